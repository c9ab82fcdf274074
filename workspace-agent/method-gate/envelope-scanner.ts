/** Reads the envelope of a request of OpenClaw's gateway protocol, and never the prompt in it. Pure. */
import { type Envelope, EnvelopeFault } from "./envelope.ts";
import { JsonWalker } from "./json-walker.ts";

/** Top-level parameters; OpenClaw's richest method takes fifty. */
const MAX_PARAMETERS = 256;
/** What a request may be made of; OpenClaw refuses others too. */
const FIELDS: ReadonlySet<string> = new Set(["type", "id", "method", "params", "traceparent"]);

export class EnvelopeScanner {
  readonly #walker: JsonWalker;
  readonly #texts = new Map<string, string>();
  readonly #fields = new Set<string>();
  readonly #params = new Set<string>();
  #field = "";
  #paramsAreNamed = false;

  constructor() {
    this.#walker = new JsonWalker({
      wants: (depth, isKey) => this.#wants(depth, isKey),
      key: (depth, text) => this.#key(depth, text),
      value: (depth, value) => this.#value(depth, value),
    });
  }

  /** Takes the next bytes of the message. @throws {EnvelopeFault} as soon as it cannot be a request any more */
  push(bytes: Uint8Array): void {
    this.#walker.push(bytes);
  }

  /** @throws {EnvelopeFault} when the message is not whole, or no request */
  end(): Envelope {
    this.#walker.end();
    const id = this.#texts.get("id");
    const method = this.#texts.get("method");
    if (this.#texts.get("type") !== "req" || !id || !method) throw new EnvelopeFault("not_a_request");
    return { id, method, params: this.#params };
  }

  /** Keys of the envelope and of an object that is `params`, and the envelope's own values. */
  #wants(depth: number, isKey: boolean): boolean {
    if (depth === 1) return isKey || this.#field !== "params";
    return depth === 2 && isKey && this.#paramsAreNamed;
  }

  #key(depth: number, text: string): void {
    const seen = depth === 1 ? this.#fields : this.#params;
    // JSON.parse takes the last of two, another parser the first: whoever sends two wants to be read twice.
    if (seen.has(text)) throw new EnvelopeFault("duplicate_key");
    if (depth === 1 && !FIELDS.has(text)) throw new EnvelopeFault("not_a_request");
    seen.add(text);
    if (seen.size > MAX_PARAMETERS) throw new EnvelopeFault("too_many_parameters");
    if (depth === 1) this.#field = text;
  }

  #value(depth: number, value: { text: string } | "{" | "[" | null): void {
    if (depth === 0 && value !== "{") throw new EnvelopeFault("not_a_request");
    if (depth !== 1) return;
    this.#paramsAreNamed = this.#field === "params" && value === "{";
    if (this.#field === "params") return;
    if (value === null || typeof value === "string") throw new EnvelopeFault("not_a_request");
    this.#texts.set(this.#field, value.text);
  }
}

/** @returns the envelope of a whole message @throws {EnvelopeFault} */
export function readEnvelope(message: Uint8Array): Envelope {
  const scanner = new EnvelopeScanner();
  scanner.push(message);
  return scanner.end();
}
