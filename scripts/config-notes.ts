import type * as v from "valibot";
import type { Config } from "../worker/config/parse-config.ts";
import { dotPath, isRecord, notesOf, unwrap, type Entries } from "../worker/config/schema.ts";
import { TENANTS_FILE } from "../worker/config/tenant-source.ts";
import { tenant } from "../worker/config/tenant-document.ts";

type Path = (string | number)[];

/** Fields of the tenants file that are set although nothing acts on them yet: nobody shall rely on them. */
export function unenforcedFields(tenantsFile: unknown): string[] {
  const listed = isRecord(tenantsFile) ? tenantsFile["tenants"] : undefined;
  if (!Array.isArray(listed)) return [];
  return listed.flatMap((raw, index) => unenforcedIn(tenant, raw, ["tenants", index]));
}

function unenforcedIn(entries: Entries, raw: unknown, at: Path): string[] {
  if (!isRecord(raw)) return [];
  return Object.entries(raw).flatMap(([key, value]) => {
    const schema = Object.hasOwn(entries, key) ? (entries[key] as v.GenericSchema) : undefined;
    if (schema === undefined) return [];
    const path = [...at, key];
    if (notesOf(schema)?.unenforced) return [`${TENANTS_FILE} ${dotPath(path)}: nothing acts on it yet`];
    const inner = unwrap(schema);
    if (inner.entries !== undefined) return unenforcedIn(inner.entries, value, path);
    const items = inner.item === undefined ? undefined : unwrap(inner.item).entries;
    if (items === undefined || !Array.isArray(value)) return [];
    return value.flatMap((element, index) => unenforcedIn(items, element, [...path, index]));
  });
}

/** Tenants that nobody can enter: allowed, because it is the safe default, and hardly ever meant. */
export function emptyTenants({ mode, tenants }: Config): string[] {
  if (mode !== "oidc") return [];
  const empty = tenants.filter(({ access }) =>
    [access.allow, access.admins].every((people) => Object.values(people).every((list) => list.length === 0)),
  );
  return [...new Set(empty.map(({ id }) => `tenant ${id}: nobody may come in, because nobody is allowed`))];
}
