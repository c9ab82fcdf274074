/** Logout tokens that were used (Back-Channel Logout 1.0 section 2.6, step 7): each ends sessions once. */

/** Longer than a token is good for: 300 s and the clocks' 60 s either way. */
const REMEMBER_MS = 10 * 60_000;

export class LogoutTokens {
  #sql: SqlStorage;
  #now: () => number;

  constructor(sql: SqlStorage, now: () => number) {
    this.#sql = sql;
    this.#now = now;
  }

  /** @returns false when it was used before */
  use(issuer: string, tokenId: string): boolean {
    const now = this.#now();
    this.#sql.exec("DELETE FROM logout_tokens WHERE until <= ?", now);
    const used = "SELECT 1 FROM logout_tokens WHERE issuer = ? AND token_id = ?";
    if (this.#sql.exec(used, issuer, tokenId).toArray().length > 0) return false;
    const until = now + REMEMBER_MS;
    this.#sql.exec("INSERT INTO logout_tokens (issuer, token_id, until) VALUES (?, ?, ?)", issuer, tokenId, until);
    return true;
  }
}
