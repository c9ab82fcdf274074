/**
 * The tenant document's word to the object: the Worker sends it with every call, so that the object's script has no
 * configuration of its own. The latest is kept, because sockets and alarms act without a call.
 */
import { DEFAULT_SETTINGS, type TenantSettings } from "./tenant-settings.ts";

const NAME = "settings";

export class Settings {
  #sql: SqlStorage;
  #text: string | null = null;
  #current: TenantSettings | null = null;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  get current(): TenantSettings {
    return (this.#current ??= this.#parse(this.#stored()));
  }

  /** Takes what came with a call. @returns whether it says something new */
  apply(text: string): boolean {
    if (text === "" || text === this.#stored()) return false;
    this.#current = this.#parse(text);
    this.#text = text;
    this.#sql.exec(
      "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
      NAME,
      text,
    );
    return true;
  }

  #stored(): string {
    if (this.#text !== null) return this.#text;
    const row = this.#sql.exec<{ value: string }>("SELECT value FROM meta WHERE name = ?", NAME).toArray()[0];
    return (this.#text = row?.value ?? "");
  }

  /** A field that an older Worker does not send yet has its default. */
  #parse(text: string): TenantSettings {
    return text === "" ? DEFAULT_SETTINGS : { ...DEFAULT_SETTINGS, ...(JSON.parse(text) as TenantSettings) };
  }
}
