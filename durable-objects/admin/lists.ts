/** The console's lists, newest first. A cursor is where the page before ended: a time and a key, nothing secret. */
import type { Role } from "#protocol/identity.ts";
import { PAGE_SIZE, type ListedPerson, type ListedSession, type Page, type SessionKind } from "../rpc.ts";

type SessionRow = {
  id_hash: string;
  kind: SessionKind;
  person: string;
  email: string | null;
  name: string | null;
  role: Role;
  created_at: number;
  last_seen_at: number;
  address: string;
  user_agent: string;
};

type PersonRow = {
  key: string;
  user_string: string;
  email: string | null;
  name: string | null;
  role: Role;
  signed_in_at: number;
};

interface Position {
  at: number;
  key: string;
}

/** Before everything. */
const START: Position = { at: Number.MAX_SAFE_INTEGER, key: "" };

/** @returns undefined for what no page of ours has ended with */
export function readCursor(cursor: string | null): Position | undefined {
  if (cursor === null) return START;
  const [, at, key] = /^(\d{1,15})\.([A-Za-z0-9_-]{1,64})$/.exec(cursor) ?? [];
  return at === undefined || key === undefined ? undefined : { at: Number(at), key };
}

/** @param person whose, or null for everybody's; `current` is the handle of the one that asks */
export function listSessions(
  sql: SqlStorage,
  now: number,
  from: Position,
  person: string | null,
  current: string,
): Page<ListedSession> {
  const rows = sql
    .exec<SessionRow>(
      `SELECT id_hash, kind, person, email, name, role, created_at, last_seen_at, address, user_agent FROM sessions
       WHERE ended_at IS NULL AND due_at > ? AND (? IS NULL OR person = ?) AND (created_at, id_hash) < (?, ?)
       ORDER BY created_at DESC, id_hash DESC LIMIT ?`,
      now,
      person,
      person,
      from.at,
      from.key,
      PAGE_SIZE + 1,
    )
    .toArray();
  return pageOf(
    rows,
    (row) => ({ at: row.created_at, key: row.id_hash }),
    (row) => ({
      handle: row.id_hash,
      kind: row.kind,
      person: row.person,
      email: row.email,
      name: row.name,
      role: row.role,
      createdAt: row.created_at,
      lastSeenAt: row.last_seen_at,
      address: row.address,
      userAgent: row.user_agent,
      current: row.id_hash === current,
    }),
  );
}

export function listPeople(
  sql: SqlStorage,
  from: Position,
  openSockets: (person: string) => number,
): Page<ListedPerson> {
  const rows = sql
    .exec<PersonRow>(
      `SELECT key, user_string, email, name, role, signed_in_at FROM people WHERE (signed_in_at, key) < (?, ?)
       ORDER BY signed_in_at DESC, key DESC LIMIT ?`,
      from.at,
      from.key,
      PAGE_SIZE + 1,
    )
    .toArray();
  return pageOf(
    rows,
    (row) => ({ at: row.signed_in_at, key: row.key }),
    (row) => listed(row, openSockets),
  );
}

/** @returns one of {@link listPeople} */
export function findPerson(
  sql: SqlStorage,
  key: string,
  openSockets: (person: string) => number,
): ListedPerson | undefined {
  const row = sql
    .exec<PersonRow>("SELECT key, user_string, email, name, role, signed_in_at FROM people WHERE key = ?", key)
    .toArray()[0];
  return row && listed(row, openSockets);
}

function listed(row: PersonRow, openSockets: (person: string) => number): ListedPerson {
  const { key, user_string: user, email, name, role, signed_in_at: signedInAt } = row;
  return { key, user, email, name, role, signedInAt, openSockets: openSockets(key) };
}

/** @param rows one more than a page, when there are more */
function pageOf<Row, Item>(rows: Row[], position: (row: Row) => Position, item: (row: Row) => Item): Page<Item> {
  const shown = rows.slice(0, PAGE_SIZE);
  const last = rows.length > PAGE_SIZE ? shown.at(-1) : undefined;
  const end = last === undefined ? undefined : position(last);
  return { items: shown.map(item), next: end === undefined ? null : `${end.at}.${end.key}` };
}
