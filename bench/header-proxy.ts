/** The least proxy that OpenClaw's trusted-proxy mode can have: it adds the headers that name the person, and no more. */
import { once } from "node:events";
import { Agent, createServer, request, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";

export interface HeaderProxyOptions {
  originPort: number;
  /** OpenClaw believes headers from here only. */
  localAddress: string;
  /** Sent instead of what the browser sends under these names. */
  headers: Record<string, string>;
}

/** @returns its address, and what ends it */
export async function startHeaderProxy(options: HeaderProxyOptions): Promise<{ url: string; stop: () => void }> {
  const { originPort, localAddress, headers } = options;
  // OpenClaw closes an idle connection after 5 s.
  const agent = new Agent({ keepAlive: true, timeout: 4_000 });
  const forward = (incoming: IncomingMessage, agentOrNone: Agent | false) =>
    request({
      host: "127.0.0.1",
      port: originPort,
      localAddress,
      agent: agentOrNone,
      method: incoming.method ?? "GET",
      path: incoming.url ?? "/",
      headers: { ...incoming.headers, ...headers },
    });
  const server = createServer({ noDelay: true }, (incoming, outgoing) => {
    const upstream = forward(incoming, agent);
    upstream.on("response", (response) => {
      outgoing.writeHead(response.statusCode ?? 502, response.rawHeaders);
      response.pipe(outgoing);
    });
    upstream.on("error", () => outgoing.destroy());
    incoming.pipe(upstream);
  });
  server.on("upgrade", (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
    const upstream = forward(incoming, false);
    upstream.on("error", () => socket.destroy());
    upstream.on("upgrade", (response, origin, first) => {
      const { rawHeaders } = response;
      const lines = rawHeaders.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${rawHeaders[at + 1]}`] : []));
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join("\r\n")}\r\n\r\n`);
      socket.write(first);
      origin.write(head);
      socket.pipe(origin).pipe(socket);
      for (const [one, other] of [
        [socket, origin],
        [origin, socket],
      ] as const) {
        one.on("error", () => other.destroy());
        one.on("close", () => other.destroy());
      }
    });
    upstream.end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    stop: () => {
      server.closeAllConnections();
      server.close();
      agent.destroy();
    },
  };
}
