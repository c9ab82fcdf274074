/**
 * Keeps the workspace's files at the gateway's roster: takes ROSTER, IDENTITY and FORGET, writes one state at a time,
 * and holds back what may not run before its person is written (design section 6).
 */
import type { Frame, OpenHead } from "#protocol/frame.ts";
import type { Person } from "#protocol/identity.ts";
import { IDENTITY_WAIT_MS } from "#protocol/limits.ts";
import type { IdentityFrame } from "../connection/agent-link.ts";
import type { Log } from "../log.ts";
import { originFailure } from "../origin/origin-failure.ts";
import type { Profiles } from "./roster.ts";

export type IdentityResult = "ok" | "identity_unwritten" | "origin_unreachable";

export interface IdentityWriterOptions {
  /** Brings the files in line and says how many had to change. @throws when they cannot be written */
  writeFiles: (people: readonly Person[], profiles: Profiles) => Promise<number>;
  /** @throws when OpenClaw does not tell */
  learnProfiles: (people: readonly Person[]) => Promise<Profiles>;
  log: Log;
  /** Milliseconds of a clock that only rises. */
  now: () => number;
}

/** Profiles are asked for again after this long: an administrator may have linked two people's addresses. */
const PROFILES_LIFETIME_MS = 60_000;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;

interface Waiter {
  head: OpenHead;
  settle: (result: IdentityResult) => void;
}

export class IdentityWriter {
  readonly #options: IdentityWriterOptions;
  readonly #people = new Map<string, Person>();
  /** From ROSTER to {@link release}: only then is this agent the one that writes. */
  #active = false;
  /** Counts ROSTERs and releases: a write that began before the last of them is nobody's answer. */
  #term = 0;
  #version = 0;
  #written: { version: number; result: IdentityResult } = { version: -1, result: "identity_unwritten" };
  #answer: (frame: Frame) => void = () => {};
  #profiles: Profiles = { ids: new Map(), ambiguous: new Set() };
  /** Users of the last round that OpenClaw answered, with or without a profile of their own. */
  #resolved: ReadonlySet<string> = new Set();
  #learnedAt = Number.NEGATIVE_INFINITY;
  #running = false;
  #due = false;
  /** The write under way, or the last: one state at a time. */
  #writing: Promise<unknown> = Promise.resolve();
  #failures = 0;
  #retryTimer: NodeJS.Timeout | undefined;
  #waiters = new Set<Waiter>();

  constructor(options: IdentityWriterOptions) {
    this.#options = options;
  }

  /** Takes one frame; `answer` gets a WRITTEN for its version or a later one. */
  receive(frame: IdentityFrame, answer: (frame: Frame) => void): void {
    this.#answer = answer;
    this.#version = frame.version;
    const before = [...this.#people.values()];
    switch (frame.type) {
      case "roster":
        // A new link: its object may count from another start, so what was written proves nothing about it.
        this.#active = true;
        this.#term += 1;
        this.#written = { version: -1, result: "identity_unwritten" };
        this.#people.clear();
        for (const person of frame.people) this.#people.set(person.key, person);
        break;
      case "identity":
        this.#people.set(frame.person.key, frame.person);
        break;
      case "forget":
        this.#people.delete(frame.person);
        break;
    }
    for (const waiter of this.#waiters) if (!this.#isKnown(waiter.head)) waiter.settle("identity_unwritten");
    if (!before.every((person) => this.#people.has(person.key))) this.#withdraw();
    this.#run();
  }

  /** @returns null when the exchange may start now; else whether it may, at the latest after {@link IDENTITY_WAIT_MS} */
  gate(head: OpenHead): Promise<IdentityResult> | null {
    if (head.kind === "http" && (head.method === "GET" || head.method === "HEAD")) return null;
    // The gateway told this person before; one it withdrew since, or names otherwise now, must not speak.
    if (!this.#isKnown(head)) return Promise.resolve("identity_unwritten");
    if (this.#written.result === "ok" && this.#written.version >= head.version) return null;
    if (!this.#active) return Promise.resolve("identity_unwritten");
    const { promise, resolve } = Promise.withResolvers<IdentityResult>();
    const timer = setTimeout(() => waiter.settle("identity_unwritten"), IDENTITY_WAIT_MS);
    const waiter: Waiter = {
      head,
      settle: (result) => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
        resolve(result);
      },
    };
    this.#waiters.add(waiter);
    this.#run();
    return promise;
  }

  /** Compares the files again, and writes what somebody else changed. */
  recheck(): void {
    if (this.#active && this.#written.version >= 0) this.#run();
  }

  /** Writes nothing until the next ROSTER: another agent may be writing. What waits for a write waits in vain. */
  release(): void {
    this.#active = false;
    this.#term += 1;
    this.#due = false;
    clearTimeout(this.#retryTimer);
    for (const waiter of this.#waiters) waiter.settle("identity_unwritten");
  }

  #isKnown({ person, user }: OpenHead): boolean {
    return this.#people.get(person)?.user === user;
  }

  /** Takes out at once whoever is gone: that needs no answer of OpenClaw's, which may be slow or away. */
  #withdraw(): void {
    // The profile that they shared with somebody may be that one's alone now.
    this.#learnedAt = Number.NEGATIVE_INFINITY;
    // The round that follows does the same, and tells when it cannot.
    void this.#put([...this.#people.values()], this.#term).catch(() => {});
  }

  /** Writes these people, but those who are gone when the write before has ended. @throws when they cannot be written */
  #put(people: readonly Person[], term: number): Promise<void> {
    const put = async () => {
      if (!this.#active || term !== this.#term) return;
      const here = people.filter(({ key, user }) => this.#people.get(key)?.user === user);
      const files = await this.#options.writeFiles(here, this.#profiles);
      if (files === 0) return;
      const again = this.#written.result === "ok" && this.#written.version === this.#version;
      this.#options.log(again ? "identity.reasserted" : "identity.written", { files, people: here.length });
    };
    const writing = this.#writing.then(put, put);
    this.#writing = writing;
    return writing;
  }

  #run(): void {
    if (!this.#active) return;
    this.#due = true;
    if (this.#running) return;
    this.#running = true;
    clearTimeout(this.#retryTimer);
    void this.#writeWhileDue().finally(() => (this.#running = false));
  }

  async #writeWhileDue(): Promise<void> {
    while (this.#due) {
      this.#due = false;
      const version = this.#version;
      const term = this.#term;
      const result = await this.#write([...this.#people.values()], term);
      if (result !== null && term === this.#term) this.#settle(version, result);
    }
    if (!this.#active) return;
    if (this.#written.result === "ok") this.#failures = 0;
    else this.#retryTimer = setTimeout(() => this.#run(), retryDelayMs(this.#failures++));
  }

  /**
   * Writes what is known even when not all is: whoever is missing then reads as not verified, never as stale.
   * @returns null when it was no longer this agent's to write
   */
  async #write(people: readonly Person[], term: number): Promise<IdentityResult | null> {
    const failure = await this.#learn(people);
    if (term !== this.#term) return null;
    try {
      await this.#put(people, term);
    } catch (error) {
      this.#tellFailure("files", error);
      return "identity_unwritten";
    }
    if (failure === null) return "ok";
    this.#tellFailure("profiles", failure);
    return originFailure(failure) === "origin_unreachable" ? "origin_unreachable" : "identity_unwritten";
  }

  /** @returns why the profiles of these people are not known, or null */
  async #learn(people: readonly Person[]): Promise<unknown> {
    const complete = people.every((person) => this.#resolved.has(person.user));
    if (people.length === 0) {
      this.#profiles = { ids: new Map(), ambiguous: new Set() };
      this.#resolved = new Set();
      return null;
    }
    if (complete && this.#options.now() - this.#learnedAt < PROFILES_LIFETIME_MS) return null;
    try {
      const before = this.#profiles.ambiguous;
      this.#profiles = await this.#options.learnProfiles(people);
      this.#learnedAt = this.#options.now();
      for (const id of this.#profiles.ambiguous) {
        if (!before.has(id)) this.#options.log("identity.ambiguous", { profile: id });
      }
      // A person whose new profile is not listed yet is asked for again by the retry.
      const ambiguous = this.#profiles.ambiguous.size > 0;
      this.#resolved = new Set(
        people.map((person) => person.user).filter((user) => ambiguous || this.#profiles.ids.has(user)),
      );
      if (people.every((person) => this.#resolved.has(person.user))) return null;
      return new Error("profile not listed");
    } catch (error) {
      return complete ? null : error;
    }
  }

  #settle(version: number, result: IdentityResult): void {
    const news = this.#written.version !== version || this.#written.result !== result;
    this.#written = { version, result };
    if (news) this.#answer({ type: "written", stream: 0, version, result: result === "ok" ? "ok" : "unwritable" });
    for (const waiter of this.#waiters) if (waiter.head.version <= version) waiter.settle(result);
  }

  #tellFailure(what: "files" | "profiles", error: unknown): void {
    // Once per series: the retries go on for as long as OpenClaw is away.
    if (this.#failures > 0) return;
    this.#options.log("identity.unwritable", { what, error: String((error as Error).message || error) });
  }
}

function retryDelayMs(failures: number): number {
  return Math.min(FIRST_RETRY_MS * 2 ** Math.min(failures, 10), LONGEST_RETRY_MS);
}
