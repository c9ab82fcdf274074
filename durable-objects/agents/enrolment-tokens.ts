/** One-use words that enrol an agent where nobody can open a page. The Worker seals them; here each is counted. */
import { base64Url } from "../sessions/session-id.ts";

export const TOKEN_LIFETIME_MS = 15 * 60_000;
/** Unused ones at once, of the whole tenant. */
const MAX_TOKENS = 100;

export class EnrolmentTokens {
  #sql: SqlStorage;
  #now: () => number;

  constructor(sql: SqlStorage, now: () => number) {
    this.#sql = sql;
    this.#now = now;
  }

  /** @param by key of the person who asks. @returns undefined when too many wait to be used */
  make(by: string): { id: string; expiresAt: number } | undefined {
    const now = this.#now();
    this.#sql.exec("DELETE FROM enrolment_tokens WHERE expires_at <= ?", now);
    const { count } = this.#sql.exec<{ count: number }>("SELECT COUNT(*) AS count FROM enrolment_tokens").one();
    if (count >= MAX_TOKENS) return undefined;
    const id = base64Url(crypto.getRandomValues(new Uint8Array(16)));
    const expiresAt = now + TOKEN_LIFETIME_MS;
    this.#sql.exec("INSERT INTO enrolment_tokens (id, made_by, expires_at) VALUES (?, ?, ?)", id, by, expiresAt);
    return { id, expiresAt };
  }

  /** Whoever made it, if it is good now. */
  makerOf(id: string): string | undefined {
    return this.#sql
      .exec<{ made_by: string }>(
        "SELECT made_by FROM enrolment_tokens WHERE id = ? AND expires_at > ?",
        id,
        this.#now(),
      )
      .toArray()[0]?.made_by;
  }

  /** What somebody made and nobody has used yet is good for nothing any more. */
  forgetPerson(person: string): void {
    this.#sql.exec("DELETE FROM enrolment_tokens WHERE made_by = ?", person);
  }

  spend(id: string): void {
    this.#sql.exec("DELETE FROM enrolment_tokens WHERE id = ?", id);
  }
}
