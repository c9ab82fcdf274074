/** What the agent hears about people: everybody on a new link, then one at a time, each with the roster's version. */
import type { Person } from "#protocol/identity.ts";
import type { Audit } from "../audit/audit.ts";
import type { AgentLink } from "../tunnel/agent-link.ts";
import type { AgentTunnel } from "../tunnel/agent-tunnel.ts";
import type { PersonStore } from "./person-store.ts";

export class RosterNews {
  #people: PersonStore;
  #audit: Audit;
  #tunnel: () => AgentTunnel;
  /** Latest roster version that an agent could not write. */
  #unwritable = -1;

  constructor(people: PersonStore, audit: Audit, tunnel: () => AgentTunnel) {
    this.#people = people;
    this.#audit = audit;
    this.#tunnel = tunnel;
  }

  tellAll(link: AgentLink): void {
    link.queue({ type: "roster", stream: 0, version: this.#people.version(), people: this.#people.roster() });
  }

  /** Tells about one person; `raise` when nothing stored has changed, only who is here. */
  tell(person: Person, raise = false): void {
    const version = raise ? this.#people.raiseVersion() : this.#people.version();
    const tunnel = this.#tunnel();
    tunnel.active?.queue({ type: "identity", stream: 0, version, person });
    tunnel.flush();
  }

  /** The person is in the roster no more. */
  tellForgotten(person: string): void {
    const tunnel = this.#tunnel();
    tunnel.active?.queue({ type: "forget", stream: 0, version: this.#people.version(), person });
    tunnel.flush();
  }

  /** One of a person's sockets closed. */
  left(key: string): void {
    const person = this.#people.find(key);
    if (person !== undefined && !person.active) this.tell(person, true);
  }

  /** The agent's word on a version: audited once per version that there is, because the agent may repeat itself. */
  written(version: number, result: "ok" | "unwritable"): void {
    if (result !== "unwritable" || version <= this.#unwritable || version > this.#people.version()) return;
    this.#unwritable = version;
    this.#audit.append({ type: "identity.unwritable", version });
  }
}
