/** bob asks the hostile OpenClaw, which answers as it is told to. */
import type { Socket } from "node:net";
import { type Answered, type Header, UPGRADE } from "../support/http-exchange.ts";
import type { World } from "./world.ts";

export const OK = "HTTP/1.1 200 OK\r\n";
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
