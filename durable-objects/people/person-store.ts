/**
 * People of the tenant and the roster the agent writes from. The object owns the roster and its version;
 * a person's user string is assigned once and stays theirs.
 */
import { encodeJson } from "#protocol/bytes.ts";
import { isUserString, type Person, type Role } from "#protocol/identity.ts";
import { MAX_ROSTER_BYTES } from "#protocol/limits.ts";
import { base64Url } from "../sessions/session-id.ts";
import type { Identity } from "../rpc.ts";

/** What a head of the wire takes of a person (heads.ts); a longer one would end every agent's connection, again and again. */
const MAX_EMAIL_LENGTH = 255;
const MAX_NAME_LENGTH = 256;
/** A roster's own JSON around its people, rounded up. */
const ROSTER_FRAME_BYTES = 64;
const MAX_ROWS_IN_MEMORY = 1_000;

type Row = {
  key: string;
  issuer: string;
  subject: string;
  user_string: string;
  email: string | null;
  name: string | null;
  role: Role;
  noticed_at: number | null;
};

export type Recorded =
  | { ok: true; person: Person; changed: boolean; otherRole: boolean; firstVisit: boolean }
  /** `holder` is the key of the person whose address it is. */
  | { ok: false; code: "identity_conflict"; holder: string };

/** A key derived from (issuer, subject), so that the same person is the same key in every shard. */
export async function personKey(issuer: string, subject: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`${issuer}\0${subject}`));
  return base64Url(new Uint8Array(digest).subarray(0, 16));
}

export class PersonStore {
  #sql: SqlStorage;
  #now: () => number;
  /** People with an open WebSocket; asked of the sockets themselves, which outlive this memory. */
  #isActive: (key: string) => boolean;
  /** Rows and version as they are stored: this memory is their only writer, and asks at every request. */
  #rows = new Map<string, Row>();
  #version: number | null = null;

  constructor(sql: SqlStorage, now: () => number, isActive: (key: string) => boolean) {
    this.#sql = sql;
    this.#now = now;
    this.#isActive = isActive;
  }

  /** Stores what a sign-in or a renewal tells about a person. `changed` means the roster must be told, `otherRole` open sockets too. */
  record(key: string, identity: Omit<Identity, "groups">): Recorded {
    const known = this.#row(key);
    const email = atMost(identity.email, MAX_EMAIL_LENGTH);
    const name = atMost(identity.name, MAX_NAME_LENGTH);
    const holder = email === null ? undefined : this.#otherHolder(email, key);
    if (holder !== undefined) return { ok: false, code: "identity_conflict", holder };
    const user = known?.user_string ?? assignUser(key, email);
    const same = known !== undefined && known.email === email && known.name === name && known.role === identity.role;
    this.#sql.exec(
      `INSERT INTO people (key, issuer, subject, user_string, email, name, role, signed_in_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (key) DO UPDATE SET email = excluded.email, name = excluded.name, role = excluded.role,
         signed_in_at = excluded.signed_in_at`,
      key,
      identity.issuer,
      identity.subject,
      user,
      email,
      name,
      identity.role,
      this.#now(),
    );
    this.#rows.delete(key);
    if (!same) this.raiseVersion();
    return {
      ok: true,
      person: this.#person(this.#requireRow(key)),
      changed: !same,
      otherRole: known !== undefined && known.role !== identity.role,
      firstVisit: (known?.noticed_at ?? null) === null,
    };
  }

  /** The person has seen the notice. */
  noticed(key: string): void {
    this.#sql.exec("UPDATE people SET noticed_at = ? WHERE key = ?", this.#now(), key);
    this.#rows.delete(key);
  }

  /** Takes the person out; who signs in with the same name or address afterwards is somebody new. */
  forget(key: string): void {
    this.#sql.exec("DELETE FROM people WHERE key = ?", key);
    this.#rows.delete(key);
    this.raiseVersion();
  }

  /** @returns what the provider calls the person */
  nameAtProvider(key: string): { issuer: string; subject: string } | undefined {
    const row = this.#row(key);
    return row && { issuer: row.issuer, subject: row.subject };
  }

  find(key: string): Person | undefined {
    const row = this.#row(key);
    return row === undefined ? undefined : this.#person(row);
  }

  /** @returns everybody, those with an open socket first, then the latest to sign in; at most what a roster holds */
  roster(): Person[] {
    const rows = this.#sql.exec<Row>("SELECT * FROM people ORDER BY signed_in_at DESC LIMIT 1000").toArray();
    const people = rows.map((row) => this.#person(row));
    const listed = [];
    let bytes = ROSTER_FRAME_BYTES;
    for (const person of [...people.filter(({ active }) => active), ...people.filter(({ active }) => !active)]) {
      bytes += encodeJson(person).byteLength + 1;
      if (bytes > MAX_ROSTER_BYTES) break;
      listed.push(person);
    }
    return listed;
  }

  version(): number {
    if (this.#version !== null) return this.#version;
    const row = this.#sql.exec<{ value: string }>("SELECT value FROM meta WHERE name = 'roster_version'").toArray()[0];
    return (this.#version = row === undefined ? 0 : Number(row.value));
  }

  /** @returns the new version */
  raiseVersion(): number {
    const version = this.version() + 1;
    this.#sql.exec(
      "INSERT INTO meta (name, value) VALUES ('roster_version', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
      String(version),
    );
    this.#version = version;
    return version;
  }

  /** An address belongs to whoever was given it as user string, and to whoever their provider says has it now. */
  #otherHolder(email: string, key: string): string | undefined {
    const holders = this.#sql.exec<{ key: string }>(
      "SELECT key FROM people WHERE key <> ? AND (user_string = ? OR email = ?)",
      key,
      email,
      email,
    );
    return holders.toArray()[0]?.key;
  }

  #row(key: string): Row | undefined {
    const known = this.#rows.get(key);
    if (known !== undefined) return known;
    const row = this.#sql.exec<Row>("SELECT * FROM people WHERE key = ?", key).toArray()[0];
    if (row === undefined) return undefined;
    if (this.#rows.size >= MAX_ROWS_IN_MEMORY) this.#rows.clear();
    this.#rows.set(key, row);
    return row;
  }

  #requireRow(key: string): Row {
    const row = this.#row(key);
    if (row === undefined) throw new Error("person row vanished inside one event");
    return row;
  }

  #person(row: Row): Person {
    const { key, email, name, role } = row;
    const isActive = this.#isActive;
    return {
      key,
      user: row.user_string,
      email,
      name,
      role,
      // Asked of every socket of the person, so only when somebody wants to know.
      get active() {
        return isActive(key);
      },
    };
  }
}

/** The e-mail, or a stable pseudonym when there is none. */
function assignUser(key: string, email: string | null): string {
  if (email !== null && isUserString(email)) return email;
  return `p-${key.toLowerCase().replaceAll(/[^a-z0-9]/g, "")}@tidegate.invalid`;
}

/** @returns null for a claim that no provider means seriously, instead of a part of it */
function atMost(claim: string | null, length: number): string | null {
  return claim === null || claim.length > length ? null : claim;
}
