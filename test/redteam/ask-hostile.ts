/** bob asks the hostile OpenClaw, which answers as it is told to. */
import type { Socket } from "node:net";
import { type Answered, type Header, UPGRADE } from "../support/http-exchange.ts";
import type { World } from "./world.ts";

export const OK = "HTTP/1.1 200 OK\r\n";
/** Enough for many times every buffer on the way. */
const FLOOD = 50_000;
export const BODY = "Content-Length: 2\r\n\r\nok";

export function relay(
  { tenants }: World,
  answer: string | ((socket: Socket) => void),
  more: Header[] = [],
): Promise<Answered> {
  const { evil, ask } = tenants;
  return ask(evil.origin, "GET", evil.openclaw.play(answer), [["Cookie", evil.bob], ...more]);
}

export function upgrade({ tenants }: World, answer: string): Promise<Answered> {
  const { evil, ask } = tenants;
  return ask(evil.origin, "GET", evil.openclaw.play(answer), [
    ["Cookie", evil.bob],
    ["Origin", evil.origin],
    ...UPGRADE,
  ]);
}

/** Writes `piece` again and again, as fast as it is taken. */
export function flood(socket: Socket, begin: string, piece: string, times = FLOOD): void {
  socket.write(begin, "latin1");
  let left = times;
  const more = () => {
    while (left > 0 && !socket.destroyed) {
      left -= 1;
      if (!socket.write(piece, "latin1")) return;
    }
    socket.destroy();
  };
  socket.on("drain", more);
  more();
}
