/** The body of one transfer, the same at both ends: every chunk says whose it is and where it belongs. */
import { createHash } from "node:crypto";
import { FILLER } from "./numbered-message.ts";

const CHUNK_BYTES = 64 * 1024;

export function* bodyChunks(transfer: number, bytes: number): Generator<Buffer> {
  for (let at = 0; at < bytes; at += CHUNK_BYTES) {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, bytes - at));
    FILLER.copy(chunk, 0, (at * 7 + transfer * 131) % (FILLER.byteLength - CHUNK_BYTES));
    if (chunk.byteLength >= 8) {
      chunk.writeUInt32BE(transfer, 0);
      chunk.writeUInt32BE(at, 4);
    }
    yield chunk;
  }
}

export function bodyHash(transfer: number, bytes: number): string {
  const hash = createHash("sha256");
  for (const chunk of bodyChunks(transfer, bytes)) hash.update(chunk);
  return hash.digest("hex");
}
