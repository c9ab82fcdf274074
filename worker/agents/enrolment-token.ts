/** The word that enrols an agent where nobody can open a page: sealed here, spent at the object. */
import { SealedCookies } from "../cookies/sealed-cookies.ts";

/** Found by secret scanners, and by whoever wonders what this is. */
const PREFIX = "tge_";
const NAME = "enrolment-token";

interface Content {
  id: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
}

export class EnrolmentTokens {
  #sealed: SealedCookies<Content>;

  constructor(secrets: string[]) {
    this.#sealed = new SealedCookies(secrets, "enrolment-token");
  }

  async seal(tenant: string, content: Content): Promise<string> {
    return PREFIX + (await this.#sealed.seal(tenant, NAME, content));
  }

  /** @returns the token's id at the object, or undefined when it is not ours or over */
  async open(tenant: string, token: string, nowMs: number): Promise<string | undefined> {
    if (!token.startsWith(PREFIX)) return undefined;
    const content = await this.#sealed.open(tenant, NAME, token.slice(PREFIX.length));
    return content !== undefined && nowMs < content.expiresAt ? content.id : undefined;
  }
}
