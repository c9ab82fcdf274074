/** Builds the typed head of an exchange: trust in fields, the client's headers as pairs (SPEC.md section 5, OPEN). */
import { encodeJson, encodeUtf8 } from "#protocol/bytes.ts";
import { ProtocolError } from "#protocol/errors.ts";
import type { HeaderPair, OpenHead } from "#protocol/frame.ts";
import { parseOpenHead } from "#protocol/heads.ts";
import { scopesFor, type Person } from "#protocol/identity.ts";
import { MAX_HEAD_BYTES } from "#protocol/limits.ts";
import { HEADER_PREFIX } from "#protocol/version.ts";
import type { RelayCall } from "../rpc.ts";
import { maskedAddress } from "./masked-address.ts";

/** @returns null when the agent would take the head for a breach and end the connection, which everybody shares */
export function openHead(
  kind: "http" | "ws",
  call: RelayCall,
  request: Request,
  person: Person,
  version: number,
  credit: number,
  address: "full" | "masked",
): OpenHead | null {
  const headers: HeaderPair[] = [];
  for (const [name, value] of request.headers) {
    if (!name.startsWith(HEADER_PREFIX)) headers.push([name, byteString(value)]);
  }
  const head: OpenHead = {
    kind,
    method: call.method,
    target: call.target,
    routeClass: call.routeClass,
    headers,
    person: person.key,
    version,
    user: person.user,
    role: person.role,
    scopes: scopesFor(person.role, kind),
    clientAddress: address === "masked" ? maskedAddress(person.key) : call.clientAddress,
    scheme: call.scheme,
    host: call.host,
    body: request.body !== null,
    credit,
  };
  return isRelayable(head) ? head : null;
}

/** The client decides about most of a head: it must hold for the agent's own check, in the size that it travels in. */
function isRelayable(head: OpenHead): boolean {
  try {
    parseOpenHead({ ...head });
  } catch (error) {
    if (error instanceof ProtocolError) return false;
    throw error;
  }
  return encodeJson(head).byteLength <= MAX_HEAD_BYTES;
}

/** The platform decodes header values as UTF-8; on the wire, and at OpenClaw, they are bytes. */
function byteString(value: string): string {
  if (!/[^\0-\x7f]/.test(value)) return value;
  return Array.from(encodeUtf8(value), (byte) => String.fromCharCode(byte)).join("");
}
