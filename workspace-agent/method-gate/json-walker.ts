/**
 * Checks JSON (RFC 8259) as its bytes come, in pieces of any size, and tells its sink what it asks for. It accepts what
 * `JSON.parse` accepts, down to the byte, but for two bounds: depth, and the length of a string that the sink wants.
 */
import { EnvelopeFault } from "./envelope.ts";

/** Containers inside each other; OpenClaw's own requests stay below ten. */
const MAX_DEPTH = 64;
/** Bytes of a wanted string as it is written; OpenClaw's own keys, methods and ids stay below a hundred. */
const MAX_WANTED_BYTES = 512;

export interface JsonSink {
  /** Whether the string that begins is to be told; it stands in a container of this depth. */
  wants(depth: number, isKey: boolean): boolean;
  key(depth: number, text: string): void;
  /** A value begins: strings that are wanted have their text, containers their bracket, others null. */
  value(depth: number, value: { text: string } | "{" | "[" | null): void;
}

/** What is expected next, or what the bytes are inside of. */
const VALUE = 0;
const FIRST_KEY = 1;
const KEY = 2;
const COLON = 3;
const AFTER = 4;
const STRING = 5;
const ESCAPE = 6;
const HEX = 7;
const NUMBER = 8;
const LITERAL = 9;
const FIRST_ITEM = 10;

/** Parts of a number, named for what was read last. */
const MINUS = 0;
const ZERO = 1;
const INTEGER = 2;
const POINT = 3;
const FRACTION = 4;
const EXPONENT = 5;
const EXPONENT_SIGN = 6;
const EXPONENT_DIGIT = 7;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BRACE = 0x7b;
const BRACKET = 0x5b;

export class JsonWalker {
  readonly #sink: JsonSink;
  #state = VALUE;
  /** The open containers' brackets, outermost first. */
  readonly #open = new Uint8Array(MAX_DEPTH);
  #depth = 0;
  #isKey = false;
  /** Of the string under way: its bytes, if it is wanted. */
  readonly #written = Buffer.allocUnsafe(MAX_WANTED_BYTES);
  #writtenBytes = -1;
  #hexLeft = 0;
  #number = MINUS;
  #literal = "";
  #literalAt = 0;

  constructor(sink: JsonSink) {
    this.#sink = sink;
  }

  /** @throws {EnvelopeFault} at the first byte that no JSON has there; the sink's own pass through */
  push(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#state === STRING) at = this.#passString(bytes, at);
      else this.#step(bytes[at++] as number);
    }
  }

  /** @throws {EnvelopeFault} when the text is not over */
  end(): void {
    if (this.#state === NUMBER) this.#endNumber();
    if (this.#state !== AFTER || this.#depth !== 0) throw new EnvelopeFault("bad_json");
  }

  #step(byte: number): void {
    switch (this.#state) {
      case ESCAPE:
        return this.#escape(byte);
      case HEX:
        if (!isHex(byte)) throw new EnvelopeFault("bad_json");
        this.#write(byte);
        if (--this.#hexLeft === 0) this.#state = STRING;
        return;
      case NUMBER:
        return this.#stepNumber(byte);
      case LITERAL:
        if (byte !== this.#literal.charCodeAt(this.#literalAt++)) throw new EnvelopeFault("bad_json");
        if (this.#literalAt === this.#literal.length) this.#state = AFTER;
        return;
      default:
        if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) return;
        return this.#structure(byte);
    }
  }

  #structure(byte: number): void {
    switch (this.#state) {
      case FIRST_KEY:
      case KEY:
        if (byte === QUOTE) return this.#begin(true);
        if (byte === 0x7d && this.#state === FIRST_KEY) return this.#close(BRACE);
        break;
      case COLON:
        if (byte !== 0x3a) break;
        this.#state = VALUE;
        return;
      case AFTER:
        if (byte === 0x2c && this.#depth > 0) {
          this.#state = this.#open[this.#depth - 1] === BRACE ? KEY : VALUE;
          return;
        }
        if (byte === 0x7d) return this.#close(BRACE);
        if (byte === 0x5d) return this.#close(BRACKET);
        break;
      case FIRST_ITEM:
        if (byte === 0x5d) return this.#close(BRACKET);
        return this.#value(byte);
      default:
        return this.#value(byte);
    }
    throw new EnvelopeFault("bad_json");
  }

  #value(byte: number): void {
    if (byte === QUOTE) return this.#begin(false);
    if (byte === BRACE || byte === BRACKET) {
      if (this.#depth === MAX_DEPTH) throw new EnvelopeFault("too_deep");
      this.#sink.value(this.#depth, byte === BRACE ? "{" : "[");
      this.#open[this.#depth++] = byte;
      this.#state = byte === BRACE ? FIRST_KEY : FIRST_ITEM;
      return;
    }
    const literal = LITERALS.get(byte);
    this.#sink.value(this.#depth, null);
    if (literal !== undefined) {
      this.#literal = literal;
      this.#literalAt = 1;
      this.#state = LITERAL;
    } else if (byte === 0x2d || isDigit(byte)) {
      this.#number = byte === 0x2d ? MINUS : byte === 0x30 ? ZERO : INTEGER;
      this.#state = NUMBER;
    } else throw new EnvelopeFault("bad_json");
  }

  #close(bracket: number): void {
    if (this.#depth === 0 || this.#open[this.#depth - 1] !== bracket) throw new EnvelopeFault("bad_json");
    this.#depth -= 1;
    this.#state = AFTER;
  }

  #begin(isKey: boolean): void {
    this.#isKey = isKey;
    this.#writtenBytes = this.#sink.wants(this.#depth, isKey) ? 0 : -1;
    this.#state = STRING;
  }

  /** The hot loop: prompts and attachments are one long string. @returns where it stopped */
  #passString(bytes: Uint8Array, from: number): number {
    const end = bytes.length;
    let at = from;
    let byte = 0;
    while (at < end) {
      byte = bytes[at] as number;
      if (byte === QUOTE || byte === BACKSLASH || byte < 0x20) break;
      at += 1;
    }
    if (this.#writtenBytes >= 0) this.#writeAll(bytes.subarray(from, at));
    if (at === end) return at;
    if (byte === QUOTE) this.#endString();
    else if (byte === BACKSLASH) {
      this.#write(byte);
      this.#state = ESCAPE;
    } else throw new EnvelopeFault("bad_json");
    return at + 1;
  }

  #escape(byte: number): void {
    if (!ESCAPES.has(byte)) throw new EnvelopeFault("bad_json");
    this.#write(byte);
    this.#hexLeft = 4;
    this.#state = byte === 0x75 ? HEX : STRING;
  }

  #endString(): void {
    this.#state = this.#isKey ? COLON : AFTER;
    if (this.#writtenBytes < 0) return this.#isKey ? undefined : this.#sink.value(this.#depth, null);
    const written = this.#written.toString("utf8", 0, this.#writtenBytes);
    // OpenClaw's own parser decodes escapes, so that no spelling of a name reads otherwise there.
    const text = written.includes("\\") ? (JSON.parse(`"${written}"`) as string) : written;
    if (this.#isKey) this.#sink.key(this.#depth, text);
    else this.#sink.value(this.#depth, { text });
  }

  #write(byte: number): void {
    if (this.#writtenBytes < 0) return;
    if (this.#writtenBytes === MAX_WANTED_BYTES) throw new EnvelopeFault("too_long");
    this.#written[this.#writtenBytes++] = byte;
  }

  #writeAll(bytes: Uint8Array): void {
    if (this.#writtenBytes + bytes.length > MAX_WANTED_BYTES) throw new EnvelopeFault("too_long");
    this.#written.set(bytes, this.#writtenBytes);
    this.#writtenBytes += bytes.length;
  }

  #stepNumber(byte: number): void {
    const next = nextPart(this.#number, byte);
    if (next !== undefined) {
      this.#number = next;
      return;
    }
    this.#endNumber();
    this.#step(byte);
  }

  #endNumber(): void {
    const whole = [ZERO, INTEGER, FRACTION, EXPONENT_DIGIT].includes(this.#number);
    if (!whole) throw new EnvelopeFault("bad_json");
    this.#state = AFTER;
  }
}

const LITERALS = new Map(["true", "false", "null"].map((word) => [word.charCodeAt(0), word]));
/** `"`, `\`, `/`, b, f, n, r, t, u. */
const ESCAPES: ReadonlySet<number> = new Set([...'"\\/bfnrtu'].map((character) => character.charCodeAt(0)));

/** @returns the part of a number that `byte` continues, or undefined when it ends it */
function nextPart(part: number, byte: number): number | undefined {
  if (isDigit(byte)) {
    if (part === MINUS) return byte === 0x30 ? ZERO : INTEGER;
    if (part === INTEGER) return INTEGER;
    if (part === POINT || part === FRACTION) return FRACTION;
    return part === ZERO ? undefined : EXPONENT_DIGIT;
  }
  if (byte === 0x2e && (part === ZERO || part === INTEGER)) return POINT;
  if ((byte | 0x20) === 0x65 && (part === ZERO || part === INTEGER || part === FRACTION)) return EXPONENT;
  if ((byte === 0x2b || byte === 0x2d) && part === EXPONENT) return EXPONENT_SIGN;
  return undefined;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function isHex(byte: number): boolean {
  return isDigit(byte) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66);
}
