/** The tenant document: everything about one tenant but its secrets, from whatever source (design section 10). */
import * as v from "valibot";
import { ROLES } from "#protocol/identity.ts";
import { fromBase64Url } from "../cookies/base64url.ts";
import { People, RoleRule } from "./people-document.ts";
import { ProviderDocument } from "./provider-document.ts";
import { listOf, noted, text, wholeNumber } from "./schema.ts";

const HOST = /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*(:\d{1,5})?$/;
const ROUTE_CLASSES = ["ui", "gateway", "write", "tools", "worker"] as const;

const Id = text("1 to 63 lower-case letters, digits and hyphens", /^[a-z0-9-]{1,63}$/);
const Host = text(
  "a host name in lower case, such as claw.example.com, with a port if need be",
  (host) => host.length <= 253 && HOST.test(host),
);
const BasePath = text("empty, or one segment such as /acme", /^(\/[a-z0-9-]{1,63})?$/);
const line = (most: number) =>
  text(
    `a text of at most ${most} characters on one line`,
    (value) => value.length <= most && /^[^\p{C}]*$/u.test(value),
  );
const Notice = text(
  "a text of at most 500 characters",
  (value) => value.length <= 500 && /^[^\p{C}\n]*(\n[^\p{C}\n]*)*$/u.test(value),
);
const Agent = v.strictObject({
  id: noted(text("8 to 64 letters, digits, _ or -", /^[A-Za-z0-9_-]{8,64}$/), "The agent's name for itself"),
  publicKey: noted(
    text(
      "a raw Ed25519 public key in base64url (43 characters)",
      (key) => key.length === 43 && fromBase64Url(key)?.byteLength === 32,
    ),
    "The agent's public key; public, so no secret",
  ),
});

const idle = wholeNumber(300, 2_592_000, "seconds");
const absolute = wholeNumber(300, 7_776_000, "seconds");
const RoleLifetime = v.strictObject({
  idleSeconds: noted(v.optional(idle), "Instead of the tenant's"),
  absoluteSeconds: noted(v.optional(absolute), "Instead of the tenant's"),
});
const Sessions = v.strictObject({
  idleSeconds: noted(
    v.optional(idle, 28_800),
    "A session ends this long after its last use, to the minute: a request, or a message in an open chat",
  ),
  absoluteSeconds: noted(
    v.optional(absolute, 86_400),
    "A session ends this long after sign-in, used or not; a shorter one holds for open sessions, too",
  ),
  roles: noted(
    v.optional(
      v.strictObject({
        viewer: v.optional(RoleLifetime, {}),
        user: v.optional(RoleLifetime, {}),
        approver: v.optional(RoleLifetime, {}),
        admin: v.optional(RoleLifetime, {}),
      }),
      {},
    ),
    "Other lifetimes for `viewer`, `user`, `approver` or `admin`, each with `idleSeconds` and `absoluteSeconds`",
  ),
});

const Rate = (means: string, burst: number, perSecond: number) =>
  noted(
    v.optional(
      v.strictObject({
        burst: noted(v.optional(wholeNumber(1, 100_000, "tokens"), burst), "At once; at most ten times `perSecond`"),
        perSecond: noted(v.optional(wholeNumber(1, 10_000, "tokens a second"), perSecond), "In the long run"),
      }),
      {},
    ),
    means,
  );
const Limits = v.strictObject({
  requests: Rate("A person's HTTP requests; a cold page load is about 80", 600, 100),
  upgrades: Rate("A person's new WebSockets", 40, 5),
  messages: Rate("A person's WebSocket messages; more, and the socket is closed", 1000, 200),
  signInsOfAddress: Rate("Sign-ins from one address, or from one IPv6 /64", 40, 4),
  signInsOfPerson: Rate("Sign-ins of one person; more, and they keep the sessions they have", 10, 1),
  socketsPerPerson: noted(v.optional(wholeNumber(1, 1000, "sockets"), 50), "Open WebSockets of one person"),
  bodyBytes: noted(v.optional(wholeNumber(1024, 104_857_600, "bytes"), 104_857_600), "Largest body of a request"),
});
const PolicyRule = v.strictObject({
  class: noted(v.picklist(ROUTE_CLASSES, `one of ${ROUTE_CLASSES.join(", ")}`), "The route class"),
  roles: noted(listOf(v.picklist(ROLES, `one of ${ROLES.join(", ")}`), ROLES.length), "Who may use it; nobody else"),
});

export const tenant = {
  id: noted(Id, "In cookie names, object names and keys: changing it signs everybody out and starts an empty tenant"),
  hosts: noted(
    v.pipe(listOf(Host, 20), v.minLength(1, "at least one host")),
    "Host names that people type; each is a site of its own, with its own sign-in",
  ),
  consoleHost: noted(
    v.optional(v.nullable(Host), null),
    "A host of its own for the console, where sessions are listed and ended; null: there is none. OpenClaw's pages and scripts never run there",
  ),
  basePath: noted(v.optional(BasePath, ""), "Where the tenant begins on its hosts; own links do not carry it yet", {
    unenforced: true,
  }),
  sharedOrigin: noted(
    v.optional(v.boolean("true or false"), false),
    "Must be true for tenants that share a host: they are one trust domain, because scripts of one can act in the other, and must have the same `admins`",
  ),
  name: noted(v.optional(line(64), "Assistant"), "What people call it; on every page"),
  contact: noted(v.optional(v.nullable(line(128)), null), "Whom people are told to ask when something is refused"),
  notice: noted(v.optional(v.nullable(Notice), null), "Shown at a person's first visit, besides our own sentence"),
  providers: noted(v.optional(listOf(ProviderDocument, 20), []), "Who vouches for people"),
  allow: noted(v.optional(People, {}), "Who may come in: nobody by default"),
  admins: noted(
    v.optional(People, {}),
    "Who comes in as administrator; named by the same fields as in `allow`, and needs no entry there",
  ),
  roles: noted(
    v.optional(listOf(RoleRule, 50), []),
    "What people who may come in are: named by the same fields as in `allow`; the highest that matches, else `user`; lets nobody in",
  ),
  agents: noted(v.optional(listOf(Agent, 20), []), "Agents that may connect"),
  sessions: noted(v.optional(Sessions, {}), "How long a sign-in lasts"),
  limits: noted(v.optional(Limits, {}), "What one person may use"),
  policy: noted(
    v.optional(listOf(PolicyRule, 20), []),
    "Who may use which class of routes, instead of the built-in table; the last rule of a class counts",
  ),
  ownSessions: noted(
    v.optional(v.boolean("true or false"), false),
    "Set where OpenClaw's own `gateway.roles` hide people's sessions from each other: the assistant's address leads each to a new session of their own, not to one that may be somebody else's",
  ),
  clientAddress: noted(
    v.optional(v.picklist(["full", "masked"], "full or masked"), "full"),
    "What OpenClaw is told of where people are, and shows to everybody who signs in: their address, or one that stands for the person alone",
  ),
  shards: noted(v.optional(wholeNumber(1, 16, "shards"), 1), "Objects that the tenant is spread over", {
    unenforced: true,
  }),
};

export const TenantDocument = v.strictObject(tenant);
export type TenantDocument = v.InferOutput<typeof TenantDocument>;
