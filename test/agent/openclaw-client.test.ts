/** An OpenClaw that does not answer, or not as it should: whoever asks it is not kept waiting. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import {
  ChangeRefused,
  createOpenclawClient,
  type OpenclawClient,
} from "../../workspace-agent/identity/openclaw-client.ts";

const ALICE = "alice@example.com";
/** Above each of its own time limits, below the sum of all. */
const PATIENCE = 8_000;

let stop = () => {};
afterEach(() => stop());

interface Answers {
  http?: (request: IncomingMessage, response: ServerResponse) => void;
  /** Of each request on the socket; nothing is said to what it returns nothing for. */
  ws?: (method: string) => object | undefined;
  /** Takes the upgrade itself. */
  upgrade?: (socket: Socket) => void;
}

async function serve({ http = () => {}, ws = () => undefined, upgrade }: Answers): Promise<OpenclawClient> {
  const server = createServer(http);
  const sockets = new WebSocketServer({ noServer: true });
  server.on("upgrade", (request, socket, head) => {
    if (upgrade !== undefined) upgrade(socket as Socket);
    else sockets.handleUpgrade(request, socket, head, (accepted) => talk(accepted, ws));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const clients = new Set<Socket>();
  server.on("connection", (socket) => clients.add(socket));
  stop = () => {
    for (const socket of clients) socket.destroy();
    server.close();
  };
  const address = { host: "127.0.0.1", port: (server.address() as AddressInfo).port, localAddress: "127.0.0.1" };
  return createOpenclawClient({ ...address, userHeader: "x-user" }, "gw.example", "password");
}

function talk(socket: WebSocket, answer: NonNullable<Answers["ws"]>): void {
  socket.send(JSON.stringify({ type: "event", event: "connect.challenge", payload: { nonce: "n", ts: 0 } }));
  socket.on("message", (data) => {
    const { id, method } = JSON.parse(String(data)) as { id: string; method: string };
    const said = answer(method);
    if (said !== undefined) socket.send(JSON.stringify({ type: "res", id, ...said }));
  });
}

const HELLO = {
  ok: true,
  payload: { type: "hello-ok", protocol: 4, policy: { tickIntervalMs: 30_000 }, server: { version: "2026.9.6" } },
};
const greetAnd = (answer: (method: string) => object | undefined) => (method: string) =>
  method === "connect" ? HELLO : answer(method);
const REFUSED = { ok: false, error: { code: "INVALID_REQUEST", message: "unknown method" } };

test.each<[name: string, answers: Answers]>([
  ["takes an upgrade and says nothing", { upgrade: () => {} }],
  ["says nothing after its challenge", {}],
  ["refuses the connection", { ws: () => REFUSED }],
  ["says nothing when it is asked for profiles", { ws: greetAnd(() => undefined) }],
  ["knows no profiles", { ws: greetAnd(() => REFUSED) }],
  ["has a list of something else", { ws: greetAnd(() => ({ ok: true, payload: { profiles: [{ id: 7 }] } })) }],
  ["has no list", { ws: greetAnd(() => ({ ok: true, payload: null })) }],
])("an OpenClaw that %s tells no profiles, soon", { timeout: PATIENCE }, async (_name, answers) => {
  const client = await serve(answers);
  await expect(client.withBackend((backend) => backend.listProfiles())).rejects.toThrow();
});

test.each<[name: string, http: NonNullable<Answers["http"]>]>([
  ["says nothing", () => {}],
  ["refuses the person", (_request, response) => response.writeHead(403).end()],
  ["breaks off", (request) => request.socket.destroy()],
])("an OpenClaw that %s makes no profile, soon", { timeout: PATIENCE }, async (_name, http) => {
  await expect((await serve({ http })).createProfile(ALICE)).rejects.toThrow();
});

test("an OpenClaw whose answer has no end has made the profile all the same", { timeout: PATIENCE }, async () => {
  const client = await serve({
    http(_request, response) {
      const more = setInterval(() => response.write("x"), 50);
      response.on("close", () => clearInterval(more));
    },
  });
  await client.createProfile(ALICE);
});

const SHOWN = {
  exists: true,
  valid: true,
  hash: "h",
  config: { gateway: { auth: { identityScopes: { [ALICE]: [] } } } },
};

test.each<[name: string, shown: object]>([
  ["cannot be read", { ...SHOWN, valid: false, config: {} }],
  ["is not there", { ...SHOWN, exists: false, config: {} }],
  ["has no state to name", { ...SHOWN, hash: undefined }],
])("a configuration that %s is no empty list of administrators", { timeout: PATIENCE }, async (_name, payload) => {
  const client = await serve({ ws: greetAnd(() => ({ ok: true, payload })) });
  await expect(client.withBackend((backend) => backend.readIdentityScopes())).rejects.toThrow();
});

test.each<[name: string, error: object, refused: boolean]>([
  ["has changed meanwhile", { code: "INVALID_REQUEST", message: "re-run config.get" }, true],
  ["was written, and not taken back", { code: "UNAVAILABLE", message: "x", details: { publication: "x" } }, false],
])("a configuration that %s", { timeout: PATIENCE }, async (_name, error, refused) => {
  const answers = { "config.get": { ok: true, payload: SHOWN }, "config.patch": { ok: false, error } };
  const client = await serve({ ws: greetAnd((method) => answers[method as keyof typeof answers]) });
  const failed = await client
    .withBackend(async (backend) => {
      expect(await backend.readIdentityScopes()).toEqual({ scopes: { [ALICE]: [] }, hash: "h" });
      await backend.patchIdentityScopes({ [ALICE]: null }, [], "h");
    })
    .catch((thrown: unknown) => thrown);
  expect(failed instanceof ChangeRefused).toBe(refused);
  expect(failed).toBeInstanceOf(Error);
});
