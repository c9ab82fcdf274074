/** Connections to OpenClaw, which are read to their end whatever happens. */
import { Agent, type ClientRequestArgs } from "node:http";
import { Socket, type TcpNetConnectOpts } from "node:net";
import type { Duplex } from "node:stream";

export class OriginPool extends Agent {
  override createConnection(options: ClientRequestArgs): Duplex {
    return new OriginConnection(options).connect(options as TcpNetConnectOpts);
  }
}

/**
 * Connections for one request each. They say keep-alive all the same: a server that is to close would do so as soon as
 * it has answered, and what is left of an upload would then tear down its own answer.
 */
export class FreshConnections extends OriginPool {
  override keepSocketAlive(): boolean {
    return false;
  }
}

/**
 * A server that refuses an upload answers and closes, so that our next write fails while its answer lies here unread.
 * `node:net` would drop the answer with the connection; here only reading tells that a connection is over.
 */
class OriginConnection extends Socket {
  override _write(chunk: unknown, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    super._write(chunk, encoding, (error) => done(isClosedByPeer(error) ? null : error));
  }

  override _writev(chunks: { chunk: unknown; encoding: BufferEncoding }[], done: (error?: Error | null) => void): void {
    super._writev?.(chunks, (error) => done(isClosedByPeer(error) ? null : error));
  }
}

function isClosedByPeer(error: Error | null | undefined): boolean {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return code === "EPIPE" || code === "ECONNRESET";
}
