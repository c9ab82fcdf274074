/** Remembers the highest (boot, attempt) of each agent, so that a replayed or copied key is noticed. */

/** @returns false when the pair is not above the stored one; else stores it */
export function admitAgent(sql: SqlStorage, agent: string, boot: number, attempt: number): boolean {
  const row = sql
    .exec<{ boot: number; attempt: number }>("SELECT boot, attempt FROM agents WHERE agent = ?", agent)
    .toArray()[0];
  if (row !== undefined && (boot < row.boot || (boot === row.boot && attempt <= row.attempt))) return false;
  sql.exec(
    `INSERT INTO agents (agent, boot, attempt) VALUES (?, ?, ?)
     ON CONFLICT (agent) DO UPDATE SET boot = excluded.boot, attempt = excluded.attempt`,
    agent,
    boot,
    attempt,
  );
  return true;
}
