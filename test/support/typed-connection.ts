/** Bytes typed on a socket, and all that came back until the other side closed. */
import { once } from "node:events";
import { connect } from "node:net";

/** @returns what came back, latin1; the sender closes its half after the last byte */
export async function typeBytes(port: number, bytes: string): Promise<string> {
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  let received = "";
  socket.on("data", (chunk: Buffer) => (received += chunk.toString("latin1")));
  // A refusal may close while bytes are on their way.
  socket.on("error", () => undefined);
  socket.on("end", () => socket.destroy());
  const closed = once(socket, "close");
  socket.end(bytes, "latin1");
  await closed;
  return received;
}

/** @returns the statuses of the responses in `received` */
export function statusesIn(received: string): number[] {
  return [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}
