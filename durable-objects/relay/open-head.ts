/** Builds the typed head of an exchange: trust in fields, the client's headers as pairs (SPEC.md section 5, OPEN). */
import type { HeaderPair, OpenHead } from "#protocol/frame.ts";
import { scopesFor, type Person } from "#protocol/identity.ts";
import { HEADER_PREFIX } from "#protocol/version.ts";
import type { RelayCall } from "../rpc.ts";

export function openHead(
  kind: "http" | "ws",
  call: RelayCall,
  request: Request,
  person: Person,
  version: number,
  credit: number,
): OpenHead {
  const headers: HeaderPair[] = [];
  for (const [name, value] of request.headers) {
    if (!name.startsWith(HEADER_PREFIX)) headers.push([name, value]);
  }
  return {
    kind,
    method: call.method,
    target: call.target,
    routeClass: call.routeClass,
    headers,
    person: person.key,
    version,
    user: person.user,
    scopes: scopesFor(person.role, kind),
    clientAddress: call.clientAddress,
    scheme: call.scheme,
    host: call.host,
    body: request.body !== null,
    credit,
  };
}
