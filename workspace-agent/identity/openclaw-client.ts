/** OpenClaw's own API on loopback: as the local backend, and once per person as that person. */
import { request } from "node:http";
import { GatewayClient, type GatewayClientOptions, GatewayClientRequestError } from "@openclaw/gateway-client";
import * as v from "valibot";
import { VERSION } from "#protocol/version.ts";
import type { OriginAddress } from "../config.ts";

/** One of OpenClaw's people. */
export interface Profile {
  id: string;
  emails: string[];
  displayName?: string | null | undefined;
  /** Set when the profile was merged away. */
  mergedInto?: string | null | undefined;
}

/** OpenClaw answers, but does not let this one person in. */
export class ProfileRefused extends Error {
  constructor(status: number | undefined) {
    super(`profile request answered ${status}`);
    this.name = "ProfileRefused";
  }
}

/** OpenClaw has answered that it did not change its configuration. */
export class ChangeRefused extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause });
    this.name = "ChangeRefused";
  }
}

export interface OpenclawClient {
  /** Makes OpenClaw create the profile of `user`, if there is none. @throws {ProfileRefused} */
  createProfile(user: string): Promise<void>;
  /** Runs `work` on one connection of the local backend. @throws {Error} when OpenClaw is away or refuses the password */
  withBackend<T>(work: (backend: Backend) => Promise<T>): Promise<T>;
}

export interface Backend {
  /** Of the running OpenClaw; empty when it does not say. */
  readonly version: string;
  listProfiles(): Promise<Profile[]>;
  setDisplayName(profileId: string, displayName: string): Promise<void>;
  /** @returns `gateway.auth.identityScopes`, and the state of the configuration that it was read in */
  readIdentityScopes(): Promise<{ scopes: Record<string, string[]>; hash: string }>;
  /**
   * Settles when the running OpenClaw goes by it; then it reconnects everybody, this client too.
   * @param patch RFC 7396, of `identityScopes` @param shortened paths of lists that lose entries
   * @param hash refused when the configuration has changed since
   * @throws {ChangeRefused} when nothing was changed; after any other error it may have been
   */
  patchIdentityScopes(patch: Record<string, string[] | null>, shortened: string[], hash: string): Promise<void>;
}

type HelloOk = Parameters<NonNullable<GatewayClientOptions["onHelloOk"]>>[0];

const REQUEST_TIMEOUT_MS = 2_000;
/** OpenClaw judges the whole configuration, writes it, and waits for its own parts. */
const CHANGE_TIMEOUT_MS = 15_000;
/** How OpenClaw closes everybody's connection when who may do what has changed. */
const POLICY_CHANGED = 4001;
/** From dialling to OpenClaw's welcome: its client has limits for each step, but not for all of them. */
const CONNECT_TIMEOUT_MS = 4_000;
/** Of a file that it cannot read OpenClaw shows an empty configuration: nobody would be on the list. */
const Configuration = v.object({
  exists: v.literal(true),
  valid: v.literal(true),
  hash: v.string(),
  config: v.object({
    gateway: v.optional(
      v.object({
        auth: v.optional(v.object({ identityScopes: v.optional(v.record(v.string(), v.array(v.string())), {}) }), {}),
      }),
      {},
    ),
  }),
});
const ProfileList = v.object({
  profiles: v.array(
    v.object({
      id: v.string(),
      emails: v.array(v.string()),
      displayName: v.nullish(v.string()),
      mergedInto: v.nullish(v.string()),
    }),
  ),
});

/** @param password OpenClaw's `gateway.auth.password`, which it accepts from loopback without forwarded headers only */
export function createOpenclawClient(address: OriginAddress, publicHost: string, password: string): OpenclawClient {
  const authority = `${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`;
  return {
    createProfile: (user) => getAs(user, address, publicHost),
    async withBackend(work) {
      for (let isRepeated = false; ; isRepeated = true) {
        const { client, connected, closeCode } = connect(`ws://${authority}/`, password);
        try {
          const hello: Partial<HelloOk> = await connected;
          return await work(backendOf(client, hello.server?.version ?? ""));
        } catch (error) {
          // Nobody's fault: somebody became an administrator meanwhile. All of this can be done twice.
          if (isRepeated || closeCode() !== POLICY_CHANGED) throw error;
        } finally {
          client.stop();
        }
      }
    },
  };
}

function backendOf(client: GatewayClient, version: string): Backend {
  return {
    version,
    listProfiles: async () => v.parse(ProfileList, await client.request("users.list", {})).profiles,
    async setDisplayName(profileId, displayName) {
      await client.request("users.setDisplayName", { profileId, displayName });
    },
    async readIdentityScopes() {
      const { config, hash } = v.parse(Configuration, await client.request("config.get", {}));
      return { scopes: config.gateway.auth.identityScopes, hash };
    },
    async patchIdentityScopes(patch, shortened, hash) {
      const raw = JSON.stringify({ gateway: { auth: { identityScopes: patch } } });
      const params = { raw, baseHash: hash, ...(shortened.length === 0 ? {} : { replacePaths: shortened }) };
      try {
        await client.request("config.patch", params, { timeoutMs: CHANGE_TIMEOUT_MS });
      } catch (error) {
        throw error instanceof GatewayClientRequestError && !isWritten(error) ? new ChangeRefused(error) : error;
      }
    },
  };
}

/** OpenClaw says how far it came when it fails after it has written its file (2026.9.6). */
function isWritten({ details }: GatewayClientRequestError): boolean {
  return typeof details === "object" && details !== null && "publication" in details;
}

/** Any authenticated request creates the profile; this one is small and has no other effect (facts/openclaw section 3.3). */
function getAs(user: string, address: OriginAddress, publicHost: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const outgoing = request({
    host: address.host,
    port: address.port,
    localAddress: address.localAddress,
    path: "/control-ui-config.json",
    headers: {
      Host: publicHost,
      [address.userHeader]: user,
      // Documentation address: OpenClaw refuses loopback here, and no client is behind this request.
      "X-Forwarded-For": "192.0.2.1",
      "X-Forwarded-Proto": "https",
      "X-Forwarded-Host": publicHost,
      "x-openclaw-scopes": "operator.read",
    },
    agent: false,
    // Of all of it: a body may come without end.
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
  });
  outgoing.on("response", (response) => {
    if (response.statusCode === 200) resolve();
    else reject(new ProfileRefused(response.statusCode));
    response.on("error", () => {}).resume();
  });
  outgoing.on("error", reject);
  outgoing.end();
  return promise;
}

function connect(url: string, password: string) {
  const { promise, resolve, reject } = Promise.withResolvers<HelloOk>();
  let closeCode: number | undefined;
  const client = new GatewayClient({
    url,
    password,
    clientName: "gateway-client",
    clientDisplayName: "Tidegate agent",
    clientVersion: VERSION,
    mode: "backend",
    scopes: ["operator.read", "operator.admin"],
    deviceIdentity: null,
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
    connectChallengeTimeoutMs: REQUEST_TIMEOUT_MS,
    onHelloOk: resolve,
    onConnectError: (error) => reject(error),
    onClose: (code, reason) => {
      closeCode ??= code;
      reject(new Error(`closed ${code} ${reason}`));
    },
  });
  const timer = setTimeout(() => reject(new Error("OpenClaw did not answer in time")), CONNECT_TIMEOUT_MS);
  client.start();
  return { client, connected: promise.finally(() => clearTimeout(timer)), closeCode: () => closeCode };
}
