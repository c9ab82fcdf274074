/** How OpenClaw refused an upgrade: status, headers, and the beginning of its words. */
import type { IncomingMessage } from "node:http";
import { concatBytes } from "#protocol/bytes.ts";
import type { ResponseHead } from "#protocol/frame.ts";
import { MAX_REFUSAL_BYTES } from "#protocol/limits.ts";
import { responseHead } from "./response-head.ts";

/** A refusal's body is words for people; one that trickles in is not worth waiting for. */
const REFUSAL_BODY_WAIT_MS = 1_000;

export interface Refusal {
  head: ResponseHead;
  body: Uint8Array;
}

/** Calls `done` once: with what came of the body in time, or null when the head cannot be relayed. */
export function readRefusal(response: IncomingMessage, done: (refusal: Refusal | null) => void): void {
  const head = responseHead(response.statusCode ?? 0, response.rawHeaders);
  if (head === null) {
    response.destroy();
    done(null);
    return;
  }
  let body: Uint8Array = new Uint8Array(0);
  let finished = false;
  const finish = (complete: boolean) => {
    if (finished) return;
    finished = true;
    clearTimeout(timer);
    response.destroy();
    const encoded = head.headers.some(([name]) => name.toLowerCase() === "content-encoding");
    // Half of a compressed body is noise.
    done({ head: withoutLength(head), body: complete || !encoded ? body : new Uint8Array(0) });
  };
  const timer = setTimeout(() => finish(false), REFUSAL_BODY_WAIT_MS);
  response.on("data", (chunk: Buffer) => {
    const room = MAX_REFUSAL_BYTES - body.byteLength;
    body = concatBytes(body, chunk.subarray(0, room));
    if (chunk.byteLength > room) finish(false);
  });
  response.on("end", () => finish(true));
  response.on("error", () => finish(false));
}

/** The body may have been cut: its length is the frame's. */
function withoutLength(head: ResponseHead): ResponseHead {
  return { ...head, headers: head.headers.filter(([name]) => name.toLowerCase() !== "content-length") };
}
