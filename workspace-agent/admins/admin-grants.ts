/**
 * Keeps OpenClaw's list of administrators in step with the gateway's roles (design section 4). OpenClaw makes nobody an
 * administrator by a header: `x-openclaw-scopes` only caps. So a promotion waits for this list, and a demotion does not:
 * the cap of the next OPEN has taken the power away before the list follows.
 *
 * Each change of the list has OpenClaw reconnect everybody, so it is not changed with every sign-in and sign-out.
 */
import type { OpenHead } from "#protocol/frame.ts";
import type { Person } from "#protocol/identity.ts";
import { IDENTITY_WAIT_MS } from "#protocol/limits.ts";
import { type Backend, ChangeRefused, type OpenclawClient } from "../identity/openclaw-client.ts";
import type { Log } from "../log.ts";
import { followsAdministrators } from "../openclaw/version.ts";
import type { Granted } from "./granted-file.ts";
import { type GrantPlan, isAdmin, planGrants } from "./plan-grants.ts";

export interface AdminGrantsOptions {
  client: Pick<OpenclawClient, "withBackend">;
  state: { readGranted(): Granted; writeGranted(granted: Granted): void };
  log: Log;
  /** Milliseconds since the epoch: what is stored outlives this process. */
  now: () => number;
  /** False: OpenClaw's list is its owner's, and whom this agent put there before is taken off. */
  grantsAdmins: boolean;
}

/** Nobody stays an administrator who has not come for this long: a weekend changes nothing, and leaving a company does. */
const UNUSED_MS = 3 * 24 * 60 * 60_000;
/** The list is looked at again while an administrator is here: its owner may have changed it. */
const RECHECK_MS = 60_000;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;
/** How exactly the last use is stored. */
const USE_STEP_MS = 60 * 60_000;

export class AdminGrants {
  readonly #options: AdminGrantsOptions;
  readonly #granted: Map<string, number>;
  /** Those who stand in the stored note. */
  #stored: ReadonlySet<string>;
  /** Null while this agent does not speak for the workspace: then the list is another's to change. */
  #people: readonly Person[] | null = null;
  /** Those who are here and were on OpenClaw's list when it was last read; whoever comes back is looked up again. */
  #listed: ReadonlySet<string> = new Set();
  #readAt = Number.NEGATIVE_INFINITY;
  #failures = 0;
  /** The running OpenClaw's list is left as it is, and that has been told. */
  #isLeft = false;
  #retryTimer: NodeJS.Timeout | null = null;
  #running: Promise<void> | null = null;
  #due = false;

  constructor(options: AdminGrantsOptions) {
    this.#options = options;
    this.#granted = new Map(options.state.readGranted());
    this.#stored = new Set(this.#granted.keys());
  }

  /** Takes the roster as it is now, and changes OpenClaw's list when somebody's power is not as it should be. */
  follow(people: readonly Person[]): void {
    // Of those who were here until now, too: a chat may have stood open for a week.
    this.#noteUse(this.#people ?? []);
    this.#people = people;
    this.#noteUse(people);
    const here = this.#aim().wanted;
    this.#listed = new Set([...this.#listed].filter((user) => here.has(user)));
    if (this.#retryTimer === null && this.#isDue()) this.#run();
  }

  /** Changes nothing until the roster comes again: another agent may be the one that does. */
  release(): void {
    this.#noteUse(this.#people ?? []);
    this.#people = null;
    this.#due = false;
    if (this.#retryTimer !== null) clearTimeout(this.#retryTimer);
    this.#retryTimer = null;
  }

  /**
   * @returns null when the exchange need not wait; else what settles once its person is an administrator or cannot become
   * one for now, at the latest after {@link IDENTITY_WAIT_MS}. Then OpenClaw gives less, and reconnects them when it can give more
   */
  wait(head: OpenHead): Promise<void> | null {
    if (head.kind !== "ws" || head.role !== "admin") return null;
    if (this.#running === null || this.#listed.has(head.user)) return null;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, IDENTITY_WAIT_MS);
    void this.#running.then(resolve);
    return promise.finally(() => clearTimeout(timer));
  }

  #run(): void {
    this.#due = true;
    this.#running ??= this.#runWhileDue();
  }

  #noteUse(people: readonly Person[]): void {
    const now = this.#options.now();
    let stale = false;
    for (const { user, active } of people) {
      const usedAt = active ? this.#granted.get(user) : undefined;
      // Either way: the clock may have been ahead.
      if (usedAt === undefined || Math.abs(now - usedAt) < USE_STEP_MS) continue;
      this.#granted.set(user, now);
      stale = true;
    }
    if (!stale) return;
    try {
      this.#store();
    } catch (error) {
      // No reason to keep anybody from their chat: what is stored is old, and the next step tries again.
      this.#tell(error);
    }
  }

  /** Whom `configure --admin` named has been taken out of the note while this runs: they are their owner's now. */
  #store(): void {
    const { state } = this.#options;
    const noted = state.readGranted();
    for (const user of this.#stored) if (!noted.has(user)) this.#granted.delete(user);
    state.writeGranted(this.#granted);
    this.#stored = new Set(this.#granted.keys());
  }

  #isDue(): boolean {
    const now = this.#options.now();
    const { wanted, withdrawn } = this.#aim();
    if (withdrawn.size > 0) return true;
    const isListed = [...wanted].every((user) => this.#listed.has(user));
    return wanted.size > 0 && (!isListed || now - this.#readAt >= RECHECK_MS);
  }

  /** Whoever has something open is made an administrator; whoever was made one stays it for a while. */
  #aim(): { wanted: Set<string>; withdrawn: Set<string> } {
    const now = this.#options.now();
    const people = this.#options.grantsAdmins ? this.#people : null;
    const admins = (people ?? []).filter(({ role }) => role === "admin");
    const known = new Set(admins.map(({ user }) => user));
    const wanted = new Set(admins.filter(({ active }) => active).map(({ user }) => user));
    const withdrawn = new Set<string>();
    for (const [user, usedAt] of this.#granted) {
      if (!wanted.has(user) && (!known.has(user) || Math.abs(now - usedAt) >= UNUSED_MS)) withdrawn.add(user);
    }
    return { wanted, withdrawn };
  }

  async #runWhileDue(): Promise<void> {
    try {
      while (this.#due) {
        this.#due = false;
        await this.#bringInStep();
        this.#failures = 0;
      }
    } catch (error) {
      // Once per series: it is tried again for as long as OpenClaw refuses, or is away.
      if (this.#failures === 0) this.#tell(error);
      if (this.#people !== null) this.#retryLater();
    } finally {
      this.#running = null;
    }
  }

  /** A restart of OpenClaw's for each administrator would end other people's turns: they are named by hand there. */
  #leave(version: string): void {
    const error = `OpenClaw ${version} would restart for each: name them with tidegate-agent configure --admin`;
    if (!this.#isLeft) this.#options.log("admins.not_set", { error });
    this.#isLeft = true;
    this.#listed = this.#aim().wanted;
    this.#readAt = this.#options.now();
  }

  #retryLater(): void {
    const delayMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(this.#failures++, 10), LONGEST_RETRY_MS);
    this.#retryTimer = setTimeout(() => {
      this.#retryTimer = null;
      this.#run();
    }, delayMs);
    // What ends the agent does not wait for OpenClaw.
    this.#retryTimer.unref();
  }

  async #bringInStep(): Promise<void> {
    const { client, now, log } = this.#options;
    await client.withBackend(async (backend) => {
      const { scopes, hash } = await backend.readIdentityScopes();
      if (this.#people === null) return;
      const { wanted, withdrawn } = this.#aim();
      const plan = planGrants(scopes, wanted, withdrawn);
      if (plan.patch !== null && !followsAdministrators(backend.version)) return this.#leave(backend.version);
      const fresh = [...wanted].filter((user) => !isAdmin(scopes, user));
      // Before the change: whoever is not in the file is never taken off the list again.
      for (const user of fresh) this.#granted.set(user, now());
      if (fresh.length > 0) this.#store();
      await this.#change(backend, plan, hash, fresh);
      for (const user of withdrawn) this.#granted.delete(user);
      if (withdrawn.size > 0) this.#store();
      this.#listed = wanted;
      this.#readAt = now();
      if (plan.patch !== null) log("admins.set", { granted: fresh.length, withdrawn: withdrawn.size });
    });
  }

  async #change(backend: Backend, { patch, shortened }: GrantPlan, hash: string, fresh: string[]): Promise<void> {
    if (patch === null) return;
    try {
      await backend.patchIdentityScopes(patch, shortened, hash);
    } catch (error) {
      if (error instanceof ChangeRefused && fresh.length > 0) {
        // Whoever is on the list at the next look was put there by its owner.
        for (const user of fresh) this.#granted.delete(user);
        this.#store();
      }
      throw error;
    }
  }

  /** OpenClaw's words may name settings, and here an address is the name of one. */
  #tell(error: unknown): void {
    const words = String((error as Error).message || error).replaceAll(/[^\s"'`]+@[^\s"'`]+/g, "(address)");
    this.#options.log("admins.not_set", { error: words });
  }
}
