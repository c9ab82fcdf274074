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
/** What OpenClaw said last holds for this long while it says nothing new: a restart must not make strangers of people. */
const PROFILES_GRACE_MS = 300_000;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;

/** What came of one round. */
interface Round {
  version: number;
  files: "ok" | "identity_unwritten";
  /** For people whose profile is not known, who read as not verified; `ok` when there are none. */
  unknown: IdentityResult;
}

interface Waiter {
  head: OpenHead;
  settle: (result: IdentityResult) => void;
}

const NEVER: Round = { version: -1, files: "identity_unwritten", unknown: "ok" };

export class IdentityWriter {
  readonly #options: IdentityWriterOptions;
  readonly #people = new Map<string, Person>();
  /** From ROSTER to {@link release}: only then is this agent the one that writes. */
  #active = false;
  /** Counts ROSTERs and releases: a write that began before the last of them is nobody's answer. */
  #term = 0;
  #version = 0;
  #written: Round = NEVER;
  /** Ends with the last write that was asked for: there is one at a time. */
  #writing: Promise<unknown> = Promise.resolve();
  /** Somebody is gone: a profile that they shared may be another's alone now. */
  #mustAsk = false;
  #answer: (frame: Frame) => void = () => {};
  #profiles: Profiles = { ids: new Map(), ambiguous: new Set() };
  /** Users of the last round that OpenClaw answered, with or without a profile of their own. */
  #resolved: ReadonlySet<string> = new Set();
  #learnedAt = Number.NEGATIVE_INFINITY;
  #running = false;
  #due = false;
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
    const before = [...this.#people.keys()];
    switch (frame.type) {
      case "roster":
        // A new link: its object may count from another start, so what was written proves nothing about it.
        this.#active = true;
        this.#term += 1;
        this.#written = NEVER;
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
    if (!before.every((key) => this.#people.has(key))) this.#withdraw();
    this.#run();
  }

  /** @returns null when the exchange may start now; else whether it may, at the latest after {@link IDENTITY_WAIT_MS} */
  gate(head: OpenHead): Promise<IdentityResult> | null {
    if (head.kind === "http" && (head.method === "GET" || head.method === "HEAD")) return null;
    // The gateway told this person before; one it withdrew since, or names otherwise now, must not speak.
    if (!this.#isKnown(head)) return Promise.resolve("identity_unwritten");
    if (this.#written.version >= head.version && this.#resultFor(head.user) === "ok") return null;
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
      const round = await this.#write([...this.#people.values()], version, term);
      if (round !== null && term === this.#term) this.#settle(round);
    }
    if (!this.#active) return;
    if (overall(this.#written) === "ok") this.#failures = 0;
    else this.#retryTimer = setTimeout(() => this.#run(), retryDelayMs(this.#failures++));
  }

  /**
   * Writes what is known even when not all is: whoever is missing then reads as not verified, never as stale.
   * @returns null when it was no longer this agent's to write
   */
  async #write(people: readonly Person[], version: number, term: number): Promise<Round | null> {
    const failure = await this.#learn(people);
    let unknown: IdentityResult = "ok";
    if (failure !== null) {
      unknown = originFailure(failure) === "origin_unreachable" ? "origin_unreachable" : "identity_unwritten";
    }
    try {
      const changed = await this.#writeFiles(people, term);
      if (changed === null) return null;
      if (failure !== null) this.#tellFailure("profiles", failure);
      else if (changed > 0) {
        const again = overall(this.#written) === "ok" && this.#written.version === this.#version;
        this.#options.log(again ? "identity.reasserted" : "identity.written", {
          files: changed,
          people: people.length,
        });
      }
      return { version, files: "ok", unknown };
    } catch (error) {
      this.#tellFailure("files", error);
      return { version, files: "identity_unwritten", unknown };
    }
  }

  /** @returns how many files had to change, or null when it was no longer this agent's to write */
  #writeFiles(people: readonly Person[], term: number): Promise<number | null> {
    const work = this.#writing.then(() => {
      if (term !== this.#term) return null;
      // Who was forgotten since is not brought back.
      const present = people.flatMap(({ key }) => this.#people.get(key) ?? []);
      return this.#options.writeFiles(present, this.#profiles);
    });
    this.#writing = work.catch(() => {});
    return work;
  }

  /** Takes out at once whoever is gone: that needs no answer of OpenClaw's, which may take seconds. A failure is the round's to tell. */
  #withdraw(): void {
    this.#mustAsk = true;
    this.#writeFiles([...this.#people.values()], this.#term).catch(() => {});
  }

  /** @returns whether OpenClaw need not be asked about these people */
  #isFresh(people: readonly Person[]): boolean {
    return !this.#mustAsk && this.#isComplete(people) && this.#learnedFor() < PROFILES_LIFETIME_MS;
  }

  #isComplete(people: readonly Person[]): boolean {
    return people.every((person) => this.#resolved.has(person.user));
  }

  #learnedFor(): number {
    return this.#options.now() - this.#learnedAt;
  }

  /** @returns why the profiles of these people are not known, or null */
  async #learn(people: readonly Person[]): Promise<unknown> {
    if (people.length === 0) {
      this.#knowNobody();
      return null;
    }
    if (this.#isFresh(people)) return null;
    this.#mustAsk = false;
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
      return this.#isComplete(people) ? null : new Error("profile not listed");
    } catch (error) {
      this.#mustAsk = true;
      if (this.#learnedFor() < PROFILES_GRACE_MS) return this.#isComplete(people) ? null : error;
      // Nobody says any more that these are theirs.
      this.#knowNobody();
      return error;
    }
  }

  #knowNobody(): void {
    this.#profiles = { ids: new Map(), ambiguous: new Set() };
    this.#resolved = new Set();
  }

  #settle(round: Round): void {
    const result = overall(round);
    const news = this.#written.version !== round.version || overall(this.#written) !== result;
    this.#written = round;
    if (news) {
      const told = result === "ok" ? "ok" : "unwritable";
      this.#answer({ type: "written", stream: 0, version: round.version, result: told });
    }
    for (const waiter of this.#waiters) {
      if (waiter.head.version <= round.version) waiter.settle(this.#resultFor(waiter.head.user));
    }
  }

  #resultFor(user: string): IdentityResult {
    if (this.#written.files !== "ok") return this.#written.files;
    return this.#resolved.has(user) ? "ok" : this.#written.unknown;
  }

  #tellFailure(what: "files" | "profiles", error: unknown): void {
    // Once per series: the retries go on for as long as OpenClaw is away.
    if (this.#failures > 0) return;
    this.#options.log("identity.unwritable", { what, error: String((error as Error).message || error) });
  }
}

function overall({ files, unknown }: Round): IdentityResult {
  return files === "ok" ? unknown : files;
}

function retryDelayMs(failures: number): number {
  return Math.min(FIRST_RETRY_MS * 2 ** Math.min(failures, 10), LONGEST_RETRY_MS);
}
