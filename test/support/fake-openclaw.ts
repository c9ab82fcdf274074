import { once } from "node:events";
import { createServer } from "node:http";
import { WebSocketServer } from "ws";

export interface FakeOpenClaw {
  url: string;
  stop(): Promise<void>;
}

/** Refuses as a real OpenClaw 2026.9.6 refuses a password; its words were taken from one. */
export const REFUSALS = {
  token: {
    message: "unauthorized: gateway token mismatch (provide gateway auth token)",
    details: { code: "AUTH_TOKEN_MISMATCH" },
  },
  password: {
    message: "unauthorized: gateway password mismatch (provide gateway auth password)",
    details: { code: "AUTH_PASSWORD_MISMATCH" },
  },
};

/** The part of OpenClaw that the probe of `npm start` talks to; every socket message is answered by `reply`. */
export async function startFakeOpenClaw(
  reply: (method: string) => { ok: boolean } | string,
  readyStatus = 200,
): Promise<FakeOpenClaw> {
  const server = createServer((_request, response) => void response.writeHead(readyStatus).end());
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket) => {
    socket.send(JSON.stringify({ type: "event", event: "connect.challenge", payload: { nonce: "n" } }));
    socket.on("message", (data) => {
      const { id, method } = JSON.parse(String(data)) as { id: string; method: string };
      const answer = reply(method);
      socket.send(typeof answer === "string" ? answer : JSON.stringify({ type: "res", id, ...answer }));
      if (typeof answer === "string") socket.close();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    stop: async () => {
      for (const socket of sockets.clients) socket.terminate();
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
