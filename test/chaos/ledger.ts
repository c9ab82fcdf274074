/**
 * The judge: what was sent, what arrived, and who was told of an end. Both ends write to it, so it knows exactly. Pure.
 *
 * lost        a number that never arrived although a later one did; or, of the last ones, although the stream lives
 *             and the network is well, or although the receiver saw the sender's own orderly close; or a body that
 *             ended as complete with bytes missing.
 * repeated    a number that arrived again.
 * reordered   a number that arrived after a later one.
 * corrupted   a message or body whose checksum is wrong, or that belongs to another stream.
 * silent      an end without a word: a socket closed without a close frame (1005, 1006), an answer without a problem
 *             code, a connection that broke between request and response, and a stream that stood still although
 *             the network was well. A body that breaks off, on its way down or up, is a word: HTTP has no other there,
 *             and the client that reads or writes it reports it.
 * leaked      what stays open after every browser has left: sockets and requests at the origin, sockets in the object.
 *
 * Numbers under way when a stream ends and its sender was told are none of these; they are counted as `inFlight`.
 */
export type Column = "lost" | "repeated" | "reordered" | "corrupted" | "silent" | "leaked";
export const COLUMNS: readonly Column[] = ["lost", "repeated", "reordered", "corrupted", "silent", "leaked"];

/** One direction of one socket: numbers from 1, each sent once. */
export class Sequence {
  sent = 0;
  /** Everything up to here arrived, or is in {@link Sequence.missing}. */
  highest = 0;
  repeated = 0;
  reordered = 0;
  readonly #missing = new Set<number>();

  /** Numbers that were passed over. */
  get missing(): number {
    return this.#missing.size;
  }

  /** Sent and neither arrived nor passed over yet. */
  get underWay(): number {
    return this.sent - this.highest;
  }

  get arrived(): number {
    return this.highest - this.#missing.size;
  }

  receive(number: number): void {
    if (number > this.highest) {
      for (let passed = this.highest + 1; passed < number; passed++) this.#missing.add(passed);
      this.highest = number;
    } else if (this.#missing.delete(number)) this.reordered += 1;
    else this.repeated += 1;
  }
}

export interface End {
  code: number;
  reason: string;
  at: number;
}

/** One WebSocket from its upgrade to its end, seen from both ends. */
export class Life {
  readonly id: number;
  /** Browser to origin. */
  readonly up = new Sequence();
  readonly down = new Sequence();
  /** How the browser itself left, before anybody told it to; null when it stayed. */
  left: End | null = null;
  browserEnd: End | null = null;
  originEnd: End | null = null;
  settled = false;

  constructor(id: number) {
    this.id = id;
  }
}

export class Ledger {
  readonly counts: Record<Column, number> = { lost: 0, repeated: 0, reordered: 0, corrupted: 0, silent: 0, leaked: 0 };
  /** What the counts are made of, to be read when they are not 0. */
  readonly findings: string[] = [];
  /** Coded ends by their words. */
  readonly ended = new Map<string, number>();
  inFlight = 0;
  messages = { up: 0, down: 0 };
  transfers = { down: 0, up: 0, restarted: 0 };
  /** When the origin last had a piece of an upload: its client sees only that some buffer on the way took it. */
  readonly arrivedAt = new Map<number, number>();
  /** Every life by its id; the origin may meet one that its browser has given up. */
  readonly lives = new Map<number, Life>();

  openLife(): Life {
    const life = new Life(this.lives.size + 1);
    this.lives.set(life.id, life);
    return life;
  }

  note(column: Column, finding: string, count = 1): void {
    if (count <= 0) return;
    this.counts[column] += count;
    if (this.findings.length < 200) this.findings.push(`${column} ${count}: ${finding}`);
  }

  /** An end that somebody was told of. */
  tell(words: string): void {
    this.ended.set(words, (this.ended.get(words) ?? 0) + 1);
  }

  /**
   * Judges a life that is over. The origin may learn of the end later than the browser, or the other way round:
   * callers wait until both have, or until they have waited long enough.
   */
  settle(life: Life): void {
    if (life.settled) return;
    life.settled = true;
    const name = `socket ${life.id}`;
    for (const [direction, sequence] of [["up", life.up] as const, ["down", life.down] as const]) {
      this.messages[direction] += sequence.arrived;
      this.note("lost", `${name} ${direction}: passed over`, sequence.missing);
      this.note("repeated", `${name} ${direction}`, sequence.repeated);
      this.note("reordered", `${name} ${direction}`, sequence.reordered);
      const orderly = direction === "up" ? sameEnd(life.left, life.originEnd) : isOrigins(life);
      if (orderly) this.note("lost", `${name} ${direction}: sent before an orderly close`, sequence.underWay);
      else this.inFlight += sequence.underWay;
    }
  }

  get clean(): boolean {
    return COLUMNS.every((column) => this.counts[column] === 0);
  }
}

/** The origin's own close code, which nobody else uses. */
export const ORIGIN_DONE = 4001;
/** The browser's own, when it says goodbye. */
export const BROWSER_DONE = 4002;

function sameEnd(told: End | null, heard: End | null): boolean {
  return told !== null && heard !== null && told.code === BROWSER_DONE && heard.code === BROWSER_DONE;
}

function isOrigins(life: Life): boolean {
  return life.left === null && life.browserEnd?.code === ORIGIN_DONE;
}
