/**
 * Two tenants on one edge under one company domain, each with its own real agent: one OpenClaw means harm, the other is
 * its neighbour. People come by TLS, so that cookies are what they are in production; agents by a port of their own.
 */
import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { createServer } from "node:tls";
import { setTimeout as sleep } from "node:timers/promises";
import { startAgent, writeAgentSettings } from "../../scripts/agent.ts";
import { type Edge, startEdge } from "../../scripts/edge.ts";
import type { Child } from "../../scripts/keep-running.ts";
import { rootFolder } from "../../scripts/paths.ts";
import { findFreePort } from "../../scripts/ports.ts";
import { gatewayPublicKey, openAgentKey, openSecrets } from "../../scripts/secrets.ts";
import { trustedCertificate } from "../agent/support/certificate.ts";
import { type Answered, exchange, type Header, valuesOf } from "../support/http-exchange.ts";
import { type HostileOpenClaw, startHostileOpenClaw } from "./hostile-openclaw.ts";

/** Below no public suffix, so that browsers take the two for one site: the worst case. */
export const DOMAIN = "tide.test";
export const USER_HEADER = "x-red-team-user";
export const ADDRESS = "192.0.2.1";
const READY_POLL_MS = 50;
const READY_TIMEOUT_MS = 30_000;

export interface TenantSite {
  id: string;
  /** What people type: host and port, and the whole origin. */
  host: string;
  origin: string;
  consoleOrigin: string;
  openclaw: HostileOpenClaw;
  /** The body of what its OpenClaw answers when nothing else was played. */
  body: string;
  /** Its agent's state folder, and the address that the agent dials. */
  agentFolder: string;
  agentHost: string;
  /** bob's session, who is a user: `name=value`. */
  bob: string;
}

export interface TwoTenants {
  edge: Edge;
  /** workerd's own port, without TLS; which site is meant is told by `Host`. */
  port: number;
  evil: TenantSite;
  good: TenantSite;
  /** @returns the cookie of a new session, `name=value` */
  signIn(origin: string, email: string): Promise<string>;
  /** As {@link signIn}, once for each origin and person: sign-ins are limited. */
  known(origin: string, email: string): Promise<string>;
  /** Sessions that {@link known} made may have ended: it makes new ones. */
  forget(): void;
  /** One request to the site of `origin`, its headers as given behind `Host`. */
  ask(origin: string, method: string, target: string, headers?: Header[], body?: string): Promise<Answered>;
  isConnected(site: TenantSite): Promise<boolean>;
  stop(): Promise<void>;
}

export async function startTwoTenants(home: string): Promise<TwoTenants> {
  const secrets = openSecrets(home);
  const front = await startTlsFront();
  const evil = await makeSite("evil", home, front.port);
  const good = await makeSite("good", home, front.port);
  const edge = await startEdge({
    port: Number(new URL(`http://${evil.agentHost}`).port),
    consolePort: Number(new URL(`http://${good.agentHost}`).port),
    stateFolder: join(home, "edge"),
    gatewayVars: {
      AUTHSEC_MODE: "stub",
      ENVIRONMENT: "development",
      STUB_USERS: "alice@example.com:admin,bob@example.com,mallory@example.com:admin",
      SESSION_SECRET: secrets.sessionSecret,
      TENANTS: JSON.stringify({ tenants: [evil, good].map(documentOf) }),
    },
    tenantVars: { STORAGE_KEY: secrets.storageKey },
    entries: {
      gateway: join(rootFolder, "test/redteam/edge/gateway.ts"),
      tenant: join(rootFolder, "durable-objects/index.ts"),
    },
  });
  const port = Number(new URL(`http://${evil.agentHost}`).port);
  front.leadTo(port);
  const agents: Child[] = [evil, good].map((site) => {
    writeAgentSettings(site.agentFolder, {
      agentId: agentOf(site.id),
      url: `http://${site.agentHost}`,
      tenant: site.id,
      gatewayKey: gatewayPublicKey(secrets.storageKey, site.id),
      openclawUrl: `http://127.0.0.1:${site.openclaw.port}`,
      workspace: join(home, site.id),
      userHeader: USER_HEADER,
      localAddress: "127.77.0.1",
      publicHost: site.host,
    });
    return startAgent(site.agentFolder, "not asked for", () => undefined);
  });
  const ask: TwoTenants["ask"] = (origin, method, target, headers = [], body = "") => {
    const { host } = new URL(origin);
    const framing: Header[] = method === "GET" || method === "HEAD" ? [] : [["Content-Length", String(body.length)]];
    const sent = { method, target, headers: [["Host", host], ...headers, ...framing] as Header[] };
    return exchange(port, { ...sent, body: body === "" ? [] : [Buffer.from(body)] });
  };
  const isConnected = async (site: TenantSite) => (await ask(site.origin, "GET", "/_gate/readyz")).status === 200;
  for (const until = Date.now() + READY_TIMEOUT_MS; ; await sleep(READY_POLL_MS)) {
    if ((await isConnected(evil)) && (await isConnected(good))) break;
    if (Date.now() > until) throw new Error("an agent did not connect");
  }
  const signIn = async (origin: string, email: string) => {
    const headers: Header[] = [
      ["Origin", origin],
      ["Content-Type", "application/x-www-form-urlencoded"],
    ];
    const answered = await ask(origin, "POST", "/_gate/login", headers, new URLSearchParams({ email }).toString());
    const [cookie] = valuesOf(answered.headers, "set-cookie");
    if (cookie === undefined) throw new Error(`${email} could not sign in at ${origin}: ${answered.status}`);
    return cookie.split(";")[0] ?? "";
  };
  const sessions = new Map<string, Promise<string>>();
  const known = (origin: string, email: string) => {
    const name = `${email} at ${origin}`;
    const session = sessions.get(name) ?? signIn(origin, email);
    sessions.set(name, session);
    return session;
  };
  for (const site of [evil, good]) site.bob = await known(site.origin, "bob@example.com");
  return {
    edge,
    port,
    evil,
    good,
    ask,
    isConnected,
    signIn,
    known,
    forget: () => sessions.clear(),
    async stop() {
      await Promise.all(agents.map((agent) => agent.stop()));
      await edge.dispose();
      front.stop();
      for (const { openclaw } of [evil, good]) openclaw.stop();
    },
  };
}

async function makeSite(id: string, home: string, tlsPort: number): Promise<TenantSite> {
  const host = `${id}.${DOMAIN}:${tlsPort}`;
  const body = `the page of ${id}`;
  const agentFolder = join(home, id, "agent");
  return {
    id,
    host,
    origin: `https://${host}`,
    consoleOrigin: `https://console-${host}`,
    openclaw: await startHostileOpenClaw(USER_HEADER, body),
    body,
    agentFolder,
    agentHost: `localhost:${await findFreePort()}`,
    bob: "",
  };
}

function documentOf(site: TenantSite): object {
  return {
    id: site.id,
    hosts: [site.host, site.agentHost],
    consoleHost: new URL(site.consoleOrigin).host,
    name: site.id,
    agents: [{ id: agentOf(site.id), publicKey: openAgentKey(site.agentFolder).publicKey }],
  };
}

/** @returns the value of `name=value` */
export function valueOf(cookie: string): string {
  return cookie.slice(cookie.indexOf("=") + 1);
}

export function agentOf(tenant: string): string {
  return `agent-of-${tenant}`;
}

/** TLS in front of workerd, which speaks plain HTTP on this machine. */
async function startTlsFront() {
  let target = 0;
  const server = createServer(trustedCertificate(), (socket) => {
    const inner = connect(target, "127.0.0.1");
    for (const end of [socket, inner]) end.on("error", () => (socket.destroy(), inner.destroy()));
    socket.pipe(inner).pipe(socket);
  });
  server.on("tlsClientError", () => undefined);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as { port: number }).port,
    leadTo: (port: number) => void (target = port),
    stop: () => void server.close(),
  };
}
