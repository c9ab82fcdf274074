/**
 * How much may be on its way to the gateway at once: what the way holds (its rate times its length, both measured by
 * acknowledgements) and a little more. Everything beyond only waits somewhere, and small answers wait behind it. Pure;
 * times are milliseconds that only rise.
 */
import { ACK_AFTER_BYTES, MAX_CHUNK_BYTES, MAX_UNACKNOWLEDGED_BYTES } from "#protocol/limits.ts";

/** The gateway need not acknowledge less than its bound, which counts no message headers: with less nothing would move. */
const LEAST_BYTES = ACK_AFTER_BYTES + MAX_CHUNK_BYTES;
/** Until something is known. */
const FIRST_BYTES = 1024 * 1024;
/** Beyond what the way was seen to hold, so that it can be seen to hold more, and because acknowledgements come in lumps. */
const GAIN = 1.25;
const SPARE_BYTES = ACK_AFTER_BYTES / 2;
/** Of one round in the average rate. */
const WEIGHT = 0.25;
/** Its length is measured anew this often, while next to nothing else is on the way. */
const MEASURE_AFTER_MS = 10_000;

export class SendWindow {
  #bytes = FIRST_BYTES;
  #sent: { batch: number; bytes: number; atMs: number }[] = [];
  /** The quickest acknowledgement since it was last measured. */
  #lengthMs = Number.POSITIVE_INFINITY;
  #measureAtMs = Number.POSITIVE_INFINITY;
  /** Measuring ends with the acknowledgement of the first batch sent in it. */
  #measuring: { until: number | null } | null = null;
  #bytesPerMs = 0;
  /** A round ends when the first batch after its start is acknowledged. */
  #round: { batch: number; atMs: number; bytes: number } | null = null;

  /** Bytes that may be unacknowledged before bodies wait. */
  get bytes(): number {
    return this.#measuring === null ? this.#bytes : LEAST_BYTES;
  }

  sent(batch: number, bytes: number, nowMs: number): void {
    this.#sent.push({ batch, bytes, atMs: nowMs });
    if (this.#measuring !== null) this.#measuring.until ??= batch;
    this.#round ??= { batch, atMs: nowMs, bytes: 0 };
  }

  /** @param batch the last one that the gateway has acknowledged */
  acknowledged(batch: number, nowMs: number): void {
    for (let first = this.#sent[0]; first !== undefined && isUpTo(first.batch, batch); first = this.#sent[0]) {
      this.#sent.shift();
      this.#learnLength(first.batch, nowMs - first.atMs, nowMs);
      if (this.#round === null) continue;
      this.#round.bytes += first.bytes;
      if (isUpTo(this.#round.batch, first.batch)) this.#endRound(this.#round, nowMs);
    }
  }

  /** Another connection: what is on its way again says nothing, and the way may be another one. */
  restart(): void {
    this.#sent = [];
    this.#round = null;
    this.#bytes = FIRST_BYTES;
    this.#bytesPerMs = 0;
    this.#lengthMs = this.#measureAtMs = Number.POSITIVE_INFINITY;
    this.#measuring = null;
  }

  #endRound(round: { atMs: number; bytes: number }, nowMs: number): void {
    this.#round = null;
    const last = this.#sent.at(-1);
    if (last !== undefined) this.#round = { batch: last.batch, atMs: nowMs, bytes: 0 };
    // A trickle is acknowledged at the gateway's convenience.
    if (round.bytes < ACK_AFTER_BYTES || this.#measuring !== null) return;
    const rate = round.bytes / Math.max(nowMs - round.atMs, 1);
    this.#bytesPerMs += (rate - this.#bytesPerMs) * (this.#bytesPerMs === 0 ? 1 : WEIGHT);
    const held = this.#bytesPerMs * this.#lengthMs;
    this.#bytes = Math.min(Math.max(held * GAIN + SPARE_BYTES, LEAST_BYTES), MAX_UNACKNOWLEDGED_BYTES);
  }

  #learnLength(batch: number, tookMs: number, nowMs: number): void {
    if (this.#measuring?.until === batch) {
      this.#measuring = null;
      this.#lengthMs = tookMs;
    }
    this.#lengthMs = Math.min(this.#lengthMs, tookMs);
    if (this.#measureAtMs === Number.POSITIVE_INFINITY) this.#measureAtMs = nowMs + MEASURE_AFTER_MS;
    if (nowMs < this.#measureAtMs) return;
    this.#measureAtMs = nowMs + MEASURE_AFTER_MS;
    this.#measuring = { until: null };
  }
}

/** Batch numbers go round at 2^32. */
function isUpTo(batch: number, last: number): boolean {
  return (last - batch) >>> 0 <= 0x7fffffff;
}
