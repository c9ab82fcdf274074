/**
 * The gate on one person's socket to OpenClaw's gateway: every message is one request that this person's role may make,
 * or it does not go on. It reads envelopes, never prompts; nothing of a message is forwarded before its verdict.
 */
import { isUtf8 } from "node:buffer";
import type { DeniedReason, MessageKind } from "#protocol/frame.ts";
import type { Role } from "#protocol/identity.ts";
import { type Envelope, EnvelopeFault } from "./envelope.ts";
import { readEnvelope } from "./envelope-scanner.ts";
import { HeldMessage } from "./held-message.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import { decideMethod } from "./method-rules.ts";
import { refusalAnswer } from "./refusal-answer.ts";

/** RFC 6455 section 7.4.1. */
const UNSUPPORTED_KIND = 1003;
const UNREADABLE = 1007;
const METHOD_NAME = /^[A-Za-z0-9._-]{1,64}$/;

export interface GateOutput {
  /** Sends a message to OpenClaw; `written` is called when it left this process. */
  forward(message: Uint8Array, written: () => void): void;
  /** Bytes that the sender may have credit for again. */
  credit(bytes: number): void;
  /** Sends a message to the browser. */
  answer(text: string): void;
  /** Closes the socket at both ends; nothing of it is forwarded any more. */
  end(code: number): void;
  /** Tells of a refusal; `method` is a plain name, or empty. */
  denied(reason: DeniedReason, method: string): void;
}

export class MethodGate {
  readonly #role: Role;
  readonly #memory: MemoryBudget;
  readonly #output: GateOutput;
  #held: HeldMessage | null = null;

  constructor(role: Role, memory: MemoryBudget, output: GateOutput) {
    this.#role = role;
    this.#memory = memory;
    this.#output = output;
  }

  /** Judges a whole message. */
  receive(kind: MessageKind, message: Uint8Array): void {
    this.#judging(() => {
      requireText(kind);
      if (!isUtf8(message)) throw new EnvelopeFault("bad_utf8");
      const spent = () => this.#output.credit(message.byteLength);
      this.#decide(readEnvelope(message), message, spent);
    });
  }

  /** Takes the next piece of a message of `total` bytes. */
  receivePiece(kind: MessageKind, total: number, piece: Uint8Array): void {
    this.#judging(() => {
      requireText(kind);
      this.#held ??= new HeldMessage(total, this.#memory, () => this.#judging(() => this.#advance()));
      this.#held.add(piece);
      this.#advance();
    });
  }

  /** The socket is over: what is held is dropped. */
  close(): void {
    this.#held?.release();
    this.#held = null;
  }

  #advance(): void {
    const held = this.#held;
    if (held === null) return;
    const taken = held.advance();
    if (taken > 0) this.#output.credit(taken);
    if (!held.isWhole) return;
    const { envelope, message } = held.end();
    this.#held = null;
    this.#decide(envelope, message, () => held.release());
  }

  #decide(envelope: Envelope, message: Uint8Array, done: () => void): void {
    const decision = decideMethod(this.#role, envelope);
    if (decision.allow) {
      this.#output.forward(message, done);
      return;
    }
    const { id, method } = envelope;
    this.#output.denied(decision.reason, METHOD_NAME.test(method) ? method : "");
    this.#output.answer(refusalAnswer(id, method, decision));
    done();
  }

  #judging(judge: () => void): void {
    try {
      judge();
    } catch (error) {
      if (!(error instanceof EnvelopeFault)) throw error;
      this.close();
      this.#output.denied("unreadable", "");
      this.#output.end(error.code === "not_text" ? UNSUPPORTED_KIND : UNREADABLE);
    }
  }
}

/** OpenClaw reads a binary message as if it were text; its own clients send none. */
function requireText(kind: MessageKind): void {
  if (kind !== "text") throw new EnvelopeFault("not_text");
}
