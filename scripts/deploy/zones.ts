import { ScriptError } from "../script-error.ts";
import { ApiError, printable, type CloudflareApi } from "./cloudflare-api.ts";

export interface Zone {
  name: string;
  /** Only an `active` one can have custom domains. */
  status: string;
}

/** Finds the zones of host names, asking for each name once. */
export class Zones {
  readonly #api: CloudflareApi;
  readonly #known = new Map<string, Promise<Zone | undefined>>();

  constructor(api: CloudflareApi) {
    this.#api = api;
  }

  /** @returns the longest zone of the account that holds `host`; "unknown" when this sign-in may not read zones */
  async of(host: string): Promise<Zone | "unknown" | undefined> {
    const labels = host.split(".");
    try {
      for (let at = 0; at < labels.length - 1; at++) {
        const zone = await this.#named(labels.slice(at).join("."));
        if (zone !== undefined) return zone;
      }
    } catch (error) {
      if (error instanceof ApiError && error.status === 403) return "unknown";
      throw error;
    }
    return undefined;
  }

  /** @throws {ScriptError} host_not_in_account */
  async require(host: string): Promise<void> {
    const zone = await this.of(host);
    if (zone !== undefined && zone !== "unknown" && zone.status !== "active") {
      const text = `${zone.name}, the zone of ${host}, is ${printable(zone.status)} at Cloudflare: its registrar must name Cloudflare's name servers first (dashboard, Overview of the domain)`;
      throw new ScriptError("host_not_in_account", text);
    }
    if (zone !== undefined) return;
    const zones = await this.#ask("per_page=10");
    const there = zones.map(({ name }) => printable(name)).join(", ");
    const choice = there === "" ? "" : `, or choose a name below one that is there (${there})`;
    throw new ScriptError(
      "host_not_in_account",
      `${host} is in no zone of this Cloudflare account: add its domain in the dashboard (Add a domain)${choice}, with npm run setup`,
    );
  }

  #named(name: string): Promise<Zone | undefined> {
    const known = this.#known.get(name) ?? this.#ask(`name=${encodeURIComponent(name)}`).then(([zone]) => zone);
    this.#known.set(name, known);
    return known;
  }

  #ask(query: string): Promise<Zone[]> {
    return this.#api.ask<Zone[]>(`/zones?account.id=${this.#api.accountId}&${query}`);
  }
}
