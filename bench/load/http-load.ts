/** A closed loop of small GETs over keep-alive connections, parsed by hand so that the client costs little. */
import { connect, type Socket } from "node:net";
import { type Address, type Rate, rateOf } from "./job.ts";

const WARM_UP_SHARE = 0.2;

export async function loadGets(address: Address, connections: number, durationMs: number): Promise<Rate> {
  const latencies: number[] = [];
  let errors = 0;
  let turn = 0;
  const requests = address.cookies.map((cookie) =>
    Buffer.from(`GET /small HTTP/1.1\r\nhost: ${address.host}\r\ncookie: ${cookie}\r\naccept: */*\r\n\r\n`),
  );
  const began = performance.now();
  const from = began + durationMs * WARM_UP_SHARE;
  const until = began + durationMs;

  function run(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const socket: Socket = connect({ host: "127.0.0.1", port: address.port, noDelay: true });
    let text = "";
    let sentAt = 0;
    const send = () => {
      sentAt = performance.now();
      if (sentAt >= until) return void socket.destroy();
      socket.write(requests[turn++ % requests.length] ?? "");
    };
    socket.setEncoding("latin1");
    socket.on("connect", send);
    socket.on("data", (chunk: string) => {
      text += chunk;
      if (!isComplete(text)) return;
      const now = performance.now();
      if (!text.startsWith("HTTP/1.1 200")) errors += 1;
      else if (sentAt >= from) latencies.push(now - sentAt);
      text = "";
      send();
    });
    socket.on("error", () => (errors += 1));
    socket.on("close", () => resolve());
    return promise;
  }

  await Promise.all(Array.from({ length: connections }, run));
  return rateOf(latencies, errors, (until - from) / 1000);
}

/** One response at a time is under way on a connection. */
function isComplete(text: string): boolean {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return false;
  const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, end + 2))?.[1];
  if (length !== undefined) return text.length >= end + 4 + Number(length);
  return text.endsWith("0\r\n\r\n");
}
