/** The agent's end of the tunnel: one link at most, over connections that come and go. */
import { ProtocolError } from "#protocol/errors.ts";
import type { Hello, Resumed } from "#protocol/messages.ts";
import { AgentLink, type LinkOptions, type LinkPhase } from "./agent-link.ts";
import type { LinkConnection } from "./link-output.ts";

/** How the gateway answered HELLO: with a new link, or with what is left of the old one. */
export type Greeting = { type: "welcome"; link: string } | { type: "resumed"; resumed: Resumed };

export class Tunnel {
  readonly #options: LinkOptions;
  #link: AgentLink | null = null;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  /** The link of today, if there is one that is not over. */
  get link(): AgentLink | null {
    return this.#link?.phase === "over" ? null : this.#link;
  }

  get phase(): LinkPhase {
    return this.#link?.phase ?? "over";
  }

  /** What HELLO asks to go on with; null asks for a new link. */
  get hello(): Hello["resume"] {
    return this.link?.hello ?? null;
  }

  /**
   * Gives a proven connection its link, in the event of the greeting.
   * @throws {ProtocolError} as {@link AgentLink.resume} does; then the connection is to be closed 4400
   */
  greet(greeting: Greeting, connection: LinkConnection): AgentLink {
    if (greeting.type === "resumed") {
      if (this.#link === null) throw new ProtocolError("unexpected_message", { type: greeting.type });
      this.#link.resume(greeting.resumed, connection);
      return this.#link;
    }
    this.#link?.end("replaced");
    this.#options.traffic.links += 1;
    this.#link = new AgentLink(greeting.link, connection, this.#options);
    return this.#link;
  }

  /** The process is asked to stop. @returns whether a connection says goodbye first; else all is over now */
  leave(): boolean {
    const { link } = this;
    if (link === null) return false;
    link.leave();
    if (link.phase === "leaving") return true;
    const saidGoodbye = link.phase === "over";
    link.end("shutting_down");
    return saidGoodbye;
  }
}
