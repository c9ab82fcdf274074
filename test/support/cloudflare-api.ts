/**
 * A recording stand-in of Cloudflare's API for Workers, and no more of it than the pinned wrangler and our deploy use:
 * scripts with versions and secrets, custom domains, zones. The real wrangler runs against it
 * (CLOUDFLARE_API_BASE_URL). What it answers is as wrangler's source reads it; it proves order and content of what is
 * sent, not that Cloudflare accepts it.
 */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export const ACCOUNT = "0123456789abcdef0123456789abcdef";
export const TOKEN = "stand-in-token";

export interface Binding {
  type: string;
  name: string;
  text?: string;
}

export interface Version {
  id: string;
  at: string;
  bindings: Binding[];
  migrationTag: string | null;
  annotations: Record<string, string>;
}

export interface Script {
  /** Oldest first. */
  versions: Version[];
  /** Ids of versions that got all requests, oldest first. */
  deployed: string[];
}

export interface Recorded {
  method: string;
  /** Below /client/v4, with its query. */
  path: string;
  headers: IncomingMessage["headers"];
  body: string;
}

interface UploadMetadata {
  bindings: Binding[];
  keep_bindings?: string[];
  migrations?: { new_tag: string };
  annotations?: Record<string, string>;
}

type Answer = { status?: number; result?: unknown; code?: number; message?: string };

interface Hold {
  matches: (request: Recorded) => boolean;
  reached: () => void;
  released: Promise<void>;
}

export class CloudflareStandIn {
  readonly scripts = new Map<string, Script>();
  /** Host name → script. */
  readonly domains = new Map<string, string>();
  /** Host names with a DNS record that is not a Worker's. */
  readonly records = new Set<string>();
  accounts = [{ id: ACCOUNT, name: "Acme" }];
  zones = [{ id: "zone-1", name: "example.com", status: "active" }];
  readonly recorded: Recorded[] = [];
  /** Requests that it has no answer for: the stand-in lacks something. */
  readonly unknown: string[] = [];
  readonly #server: Server;
  readonly #holds: Hold[] = [];

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<CloudflareStandIn> {
    const server = createServer();
    const standIn = new CloudflareStandIn(server);
    server.on("request", (request, response) => void standIn.#take(request, response));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return standIn;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/client/v4`;
  }

  /** What changed something, as `METHOD path` without query. */
  get changes(): string[] {
    const writes = this.recorded.filter(({ method, path }) => method !== "GET" && !path.includes("/changeset"));
    return writes.map(
      ({ method, path }) => `${method} ${path.split("?")[0]?.replace(`/accounts/${ACCOUNT}/workers`, "")}`,
    );
  }

  /** The next request that matches stays without answer and effect until it is let go, if ever. */
  holdNext(matches: (request: Recorded) => boolean): { reached: Promise<void>; release: () => void } {
    const reached = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    this.#holds.push({ matches, reached: reached.resolve, released: released.promise });
    return { reached: reached.promise, release: released.resolve };
  }

  /** The version that has all requests. */
  running(name: string): Version | undefined {
    const script = this.scripts.get(name);
    return script?.versions.find(({ id }) => id === script.deployed.at(-1));
  }

  forget(): void {
    this.recorded.length = 0;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #take(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const { method = "", url = "", headers } = incoming;
    const body = Buffer.concat(chunks);
    const request = { method, path: url.replace("/client/v4", ""), headers, body: body.toString("utf8") };
    this.recorded.push(request);
    const at = this.#holds.findIndex(({ matches }) => matches(request));
    const [hold] = at < 0 ? [] : this.#holds.splice(at, 1);
    hold?.reached();
    await hold?.released;
    const answer = headers.authorization === `Bearer ${TOKEN}` ? await this.#answer(request, body) : REFUSED;
    const { status = answer.code === undefined ? 200 : 404, result = null, code, message = "refused" } = answer;
    const errors = code === undefined ? [] : [{ code, message }];
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify({ success: code === undefined, errors, messages: [], result, result_info: {} }));
  }

  async #answer(request: Recorded, body: Buffer): Promise<Answer> {
    const { method, path, headers } = request;
    const url = new URL(path, "http://api.invalid");
    const route = `${method} ${url.pathname.replace(`/accounts/${ACCOUNT}`, "")}`;
    if (route === "GET /accounts") return { result: this.accounts };
    if (route === "GET /memberships") return { result: this.accounts.map((account) => ({ id: account.id, account })) };
    if (route === "GET /user/tokens/verify") return { result: { id: "token", status: "active" } };
    if (route === "GET /zones") {
      const name = url.searchParams.get("name");
      return { result: this.zones.filter((zone) => name === null || zone.name === name) };
    }
    // What a deletion looks for besides: containers, and the old kind of sites.
    if (route === "GET /workers/durable_objects/namespaces" || route === "GET /storage/kv/namespaces")
      return { result: [] };
    if (route === "GET /workers/domains") {
      return { result: [...this.domains].map(([hostname, service]) => ({ hostname, service })) };
    }
    if (route === "GET /workers/scripts") {
      const tagged = [...this.scripts].map(([id]) => ({
        id,
        migration_tag: this.running(id)?.migrationTag ?? undefined,
      }));
      return { result: tagged };
    }
    if (route.startsWith("GET /workers/workers/"))
      return { result: { subdomain: { enabled: false, previews_enabled: false } } };
    const [, kind, name = "", rest = ""] = /^\w+ \/workers\/(scripts|services)\/([^/]+)(\/.*)?$/.exec(route) ?? [];
    if (kind === undefined) return this.#lacking(route);
    if (kind === "services") return this.#service(method, name, rest, route);
    if (method === "PUT" && rest === "") return { result: await this.#upload(name, body, headers, true) };
    // Every file is there already: what an upload of assets looks like is wrangler's and Cloudflare's own business.
    if (method === "POST" && rest === "/assets-upload-session") return { result: { jwt: ASSETS_JWT, buckets: [] } };
    const script = this.scripts.get(name);
    if (script === undefined) return NO_SCRIPT;
    return this.#ofScript(name, script, `${method} ${rest}`, request, body);
  }

  #service(method: string, name: string, rest: string, route: string): Answer {
    if (rest !== "") return route.endsWith("/references") ? { result: {} } : this.#lacking(route);
    if (!this.scripts.has(name)) return { code: 10090, message: "no such environment" };
    if (method === "DELETE") {
      this.scripts.delete(name);
      for (const [host, service] of this.domains) if (service === name) this.domains.delete(host);
      return {};
    }
    const script = { tag: `tag-of-${name}`, tags: [], last_deployed_from: "wrangler" };
    return { result: { default_environment: { environment: "production", script } } };
  }

  async #ofScript(
    name: string,
    script: Script,
    route: string,
    { headers, body: text }: Recorded,
    body: Buffer,
  ): Promise<Answer> {
    const [, id] = /^GET \/versions\/([^/]+)$/.exec(route) ?? [];
    if (id !== undefined) {
      const version = script.versions.find((each) => each.id === id);
      return version === undefined ? { code: 10222, message: "no such version" } : { result: shown(version) };
    }
    switch (route) {
      case "GET /secrets":
        return {
          result: (script.versions.at(-1)?.bindings ?? [])
            .filter(isSecret)
            .map((secret) => ({ name: secret.name, type: secret.type })),
        };
      case "GET /deployments":
        return { result: { deployments: script.deployed.map((version, at) => deployment(version, at)).toReversed() } };
      case "POST /deployments": {
        const { versions } = JSON.parse(text) as { versions: { version_id: string }[] };
        script.deployed.push(versions[0]?.version_id ?? "");
        return { result: { id: randomUUID() } };
      }
      case "GET /versions":
        return { result: { items: script.versions.map(shown) } };
      case "POST /versions":
        return { result: await this.#upload(name, body, headers, false) };
      case "POST /subdomain":
        return { result: { enabled: false, previews_enabled: false } };
      case "GET /settings":
        return {
          result: {
            bindings: (script.versions.at(-1)?.bindings ?? []).map(({ name: binding, type }) => ({
              name: binding,
              type,
            })),
          },
        };
      case "PATCH /script-settings":
      case "PUT /schedules":
        return { result: {} };
      case "POST /domains/changeset":
        return { result: this.#changeset(name, JSON.parse(text) as { hostname: string }[]) };
      case "PUT /domains/records": {
        const { origins } = JSON.parse(text) as { origins: { hostname: string }[] };
        for (const [host, service] of this.domains) if (service === name) this.domains.delete(host);
        for (const { hostname } of origins) this.domains.set(hostname, name);
        return { result: {} };
      }
      default:
        return this.#lacking(`${route} of ${name}`);
    }
  }

  #changeset(name: string, origins: { hostname: string }[]): unknown {
    const wanted = origins.map(({ hostname }) => hostname);
    const mine = [...this.domains].filter(([, service]) => service === name).map(([host]) => host);
    const named = (hosts: string[]) => hosts.map((hostname) => ({ hostname }));
    return {
      added: named(wanted.filter((host) => !this.domains.has(host) && !this.records.has(host))),
      removed: named(mine.filter((host) => !wanted.includes(host))),
      updated: [],
      conflicting: named(wanted.filter((host) => this.records.has(host))),
    };
  }

  async #upload(name: string, body: Buffer, headers: IncomingMessage["headers"], deploys: boolean): Promise<unknown> {
    const contentType = headers["content-type"] ?? "";
    const form = await new Response(new Uint8Array(body), { headers: { "content-type": contentType } }).formData();
    const metadata = JSON.parse(String(form.get("metadata"))) as UploadMetadata;
    const script = this.scripts.get(name) ?? { versions: [], deployed: [] };
    this.scripts.set(name, script);
    const before = script.versions.at(-1);
    const names = metadata.bindings.map((binding) => binding.name);
    const kept = (before?.bindings ?? []).filter(
      ({ name: old, type }) => metadata.keep_bindings?.includes(type) && !names.includes(old),
    );
    const version: Version = {
      id: randomUUID(),
      at: new Date(Date.UTC(2026, 10, 1) + script.versions.length * 1000).toISOString(),
      bindings: [...metadata.bindings, ...kept],
      migrationTag: metadata.migrations?.new_tag ?? before?.migrationTag ?? null,
      annotations: metadata.annotations ?? {},
    };
    script.versions.push(version);
    if (deploys) script.deployed.push(version.id);
    const { id } = version;
    return { id, deployment_id: id.replaceAll("-", ""), startup_time_ms: 1, resources: { script: { etag: "etag" } } };
  }

  #lacking(route: string): Answer {
    this.unknown.push(route);
    return { code: 7003, message: `the stand-in does not know ${route}` };
  }
}

const ASSETS_JWT = "e30.e30.e30";
const REFUSED: Answer = { status: 401, code: 10000, message: "Authentication error" };
const NO_SCRIPT: Answer = { code: 10007, message: "This Worker does not exist on your account." };

function isSecret({ type }: Binding): boolean {
  return type === "secret_text";
}

function shown({ id, at, bindings, migrationTag, annotations }: Version): unknown {
  // Secrets are named and never shown.
  const named = bindings.map((binding) => (isSecret(binding) ? { type: binding.type, name: binding.name } : binding));
  return {
    id,
    metadata: { created_on: at, author_email: "admin@example.com", source: "wrangler" },
    annotations,
    resources: {
      bindings: named,
      script: { etag: "etag" },
      script_runtime: { migration_tag: migrationTag ?? undefined },
    },
  };
}

function deployment(version: string, at: number): unknown {
  const created = new Date(Date.UTC(2026, 10, 1) + at * 1000).toISOString();
  return {
    id: `deployment-${at}`,
    created_on: created,
    source: "wrangler",
    versions: [{ version_id: version, percentage: 100 }],
  };
}
