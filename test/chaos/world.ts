/** What every visitor shares: where to go, whom to tell, and what is asked of all of them now. */
import type { LocalGateway } from "../support/local-gateway.ts";
import type { Ledger } from "./ledger.ts";

export class World {
  readonly gateway: LocalGateway;
  readonly ledger: Ledger;
  /** Transfers rest: an object with a pending request cannot be evicted. */
  lull = false;
  /** Nobody opens a socket: nor can one that has an upgrade to answer. */
  hold = false;
  /** Nobody sends a message. */
  hushed = false;
  /** Upgrades and transfers that have no answer yet. */
  pending = 0;
  /** Nothing new begins; what is under way may end. */
  closing = false;
  readonly #giveUp = new AbortController();

  constructor(gateway: LocalGateway, ledger: Ledger) {
    this.gateway = gateway;
    this.ledger = ledger;
  }

  /** Aborted when whatever is still under way has had its time. */
  get givenUp(): AbortSignal {
    return this.#giveUp.signal;
  }

  giveUp(): void {
    this.#giveUp.abort();
  }
}
