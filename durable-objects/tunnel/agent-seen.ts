/** When an agent last came or left; kept, because pages wait only for one that left a moment ago. */

const NAME = "agent_changed_at";

export class AgentSeen {
  #sql: SqlStorage;
  #now: () => number;

  constructor(sql: SqlStorage, now: () => number) {
    this.#sql = sql;
    this.#now = now;
  }

  /** Milliseconds since the epoch, or null when there never was one. */
  get at(): number | null {
    const row = this.#sql.exec<{ value: string }>("SELECT value FROM meta WHERE name = ?", NAME).toArray()[0];
    return row === undefined ? null : Number(row.value);
  }

  changed(): void {
    this.#sql.exec(
      "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
      NAME,
      String(this.#now()),
    );
  }
}
