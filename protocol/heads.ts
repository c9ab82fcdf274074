/** Hand-written checks of everything that travels as JSON: a closed shape, every length bounded (SPEC.md section 4). */
import { ProtocolError } from "./errors.ts";
import type { DeniedReason, HeaderPair, OpenHead, ResponseHead } from "./frame.ts";
import { isRole, isUserString, type Person } from "./identity.ts";
import { MAX_CREDIT_BYTES, MAX_HEADER_PAIRS } from "./limits.ts";
import { isCanonicalTarget, type RouteClass } from "./request-target.ts";

type Fields = Record<string, unknown>;

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/;
/** RFC 9110 section 5.5: visible characters, space and tab; latin1 as Node hands it over. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const ROUTE_CLASSES: ReadonlySet<string> = new Set<RouteClass>(["ui", "tools", "gateway", "worker", "write"]);

/** @throws {ProtocolError} bad_field naming the first field that is wrong */
export function parseOpenHead(fields: Fields): OpenHead {
  const kind = text(fields, "kind", 4);
  const routeClass = text(fields, "routeClass", 16);
  const target = text(fields, "target", 8192);
  const user = text(fields, "user", 255);
  const scheme = text(fields, "scheme", 5);
  const role = fields["role"];
  const scopes = fields["scopes"];
  if (kind !== "http" && kind !== "ws") throw bad("kind");
  if (!ROUTE_CLASSES.has(routeClass)) throw bad("routeClass");
  if (!isCanonicalTarget(target)) throw bad("target");
  if (!isUserString(user)) throw bad("user");
  if (!isRole(role)) throw bad("role");
  if (scheme !== "http" && scheme !== "https") throw bad("scheme");
  if (!Array.isArray(scopes) || scopes.length === 0 || scopes.length > 16 || !scopes.every(isScope))
    throw bad("scopes");
  if (typeof fields["body"] !== "boolean") throw bad("body");
  const credit = integer(fields, "credit");
  if (credit === 0 || credit > MAX_CREDIT_BYTES) throw bad("credit");
  return {
    kind,
    method: matching(fields, "method", /^[A-Z]{3,16}$/),
    target,
    routeClass: routeClass as RouteClass,
    headers: parsePairs(fields["headers"]),
    person: matching(fields, "person", /^[A-Za-z0-9_-]{1,64}$/),
    version: integer(fields, "version"),
    user,
    role,
    scopes,
    clientAddress: matching(fields, "clientAddress", /^[0-9A-Fa-f.:]{2,45}$/),
    scheme,
    host: matching(fields, "host", /^[A-Za-z0-9.:[\]-]{1,255}$/),
    body: fields["body"],
    credit,
  };
}

/** Status is what the Fetch standard lets a response have; 101 travels as ACCEPTED only. */
export function parseResponseHead(fields: Fields): ResponseHead {
  const status = integer(fields, "status");
  if (status < 200 || status > 599) throw bad("status");
  return { status, headers: parsePairs(fields["headers"]) };
}

export function parsePerson(value: unknown): Person {
  if (typeof value !== "object" || value === null) throw bad("person");
  const fields = value as Fields;
  const role = fields["role"];
  const active = fields["active"];
  const user = text(fields, "user", 255);
  if (!isRole(role)) throw bad("role");
  if (typeof active !== "boolean") throw bad("active");
  if (!isUserString(user)) throw bad("user");
  return {
    key: matching(fields, "key", /^[A-Za-z0-9_-]{1,64}$/),
    user,
    email: textOrNull(fields, "email", 255),
    name: textOrNull(fields, "name", 256),
    role,
    active,
  };
}

/** What the agent says of a refusal: the method is a plain name, or empty. */
export function parseDenied(fields: Fields): { reason: DeniedReason; method: string; count: number } {
  const reason = fields["reason"];
  if (reason !== "method" && reason !== "parameter" && reason !== "unreadable") throw bad("reason");
  return { reason, method: matching(fields, "method", /^[A-Za-z0-9._-]{0,64}$/), count: integer(fields, "count") };
}

export function parsePairs(value: unknown): HeaderPair[] {
  if (!Array.isArray(value) || value.length > MAX_HEADER_PAIRS) throw bad("headers");
  for (const pair of value as unknown[]) {
    if (!Array.isArray(pair) || pair.length !== 2) throw bad("headers");
    const [name, content] = pair as unknown[];
    if (typeof name !== "string" || !TOKEN.test(name)) throw bad("headers");
    if (typeof content !== "string" || !VALUE.test(content)) throw bad("headers");
  }
  return value as HeaderPair[];
}

export function text(fields: Fields, name: string, maxLength: number): string {
  const value = fields[name];
  if (typeof value !== "string" || value.length > maxLength) throw bad(name);
  return value;
}

export function matching(fields: Fields, name: string, pattern: RegExp): string {
  const value = text(fields, name, 512);
  if (!pattern.test(value)) throw bad(name);
  return value;
}

export function integer(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw bad(name);
  return value;
}

function textOrNull(fields: Fields, name: string, maxLength: number): string | null {
  return fields[name] === null ? null : text(fields, name, maxLength);
}

function isScope(value: unknown): value is string {
  return typeof value === "string" && /^operator\.[a-z.]{1,32}$/.test(value);
}

function bad(field: string): ProtocolError {
  return new ProtocolError("bad_field", { field });
}
