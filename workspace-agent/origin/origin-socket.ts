/** Opens the WebSocket to OpenClaw that an OPEN of kind ws asks for. */
import WebSocket from "ws";
import type { HeaderPair, OpenHead } from "#protocol/frame.ts";
import { MAX_MESSAGE_BYTES } from "#protocol/limits.ts";
import type { OriginAddress } from "../config.ts";
import { originHeaders } from "./origin-headers.ts";

/** A little above what may be relayed, so that the agent, not the parser, says what is too large. */
const MAX_PAYLOAD_BYTES = MAX_MESSAGE_BYTES + 1024 * 1024;
/** Time the origin has to answer a close before its connection is cut. */
const CLOSE_TIMEOUT_MS = 5_000;
const SUBPROTOCOL = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/;

/** @returns the client's subprotocols in its order, or null when they are no valid offer (RFC 6455 section 4.1) */
export function offeredProtocols(pairs: readonly HeaderPair[]): string[] | null {
  const offered: string[] = [];
  for (const [name, value] of pairs) {
    if (name.toLowerCase() === "sec-websocket-protocol") offered.push(...value.split(",").map((part) => part.trim()));
  }
  const valid = offered.every((protocol) => SUBPROTOCOL.test(protocol)) && new Set(offered).size === offered.length;
  return valid ? offered : null;
}

export function openOriginSocket(
  address: OriginAddress,
  authority: string,
  head: OpenHead,
  protocols: string[],
): WebSocket {
  const headers: Record<string, string[]> = {};
  for (const [name, value] of originHeaders(head, address.userHeader)) {
    // One spelling per name, so that `Cookie` and `cookie` of one client stay two values of one header.
    (headers[name.toLowerCase()] ??= []).push(value);
  }
  // @types/ws knows neither closeTimeout nor headers with several values, which node:http takes.
  const options: WebSocket.ClientOptions & { closeTimeout: number } = {
    headers: headers as unknown as Record<string, string>,
    localAddress: address.localAddress,
    perMessageDeflate: false,
    followRedirects: false,
    maxPayload: MAX_PAYLOAD_BYTES,
    closeTimeout: CLOSE_TIMEOUT_MS,
    finishRequest: (request) => {
      // The target's own bytes: as part of the URL they would be parsed and written anew (`"` becomes `%22`).
      request.path = head.target;
      request.end();
    },
  };
  return new WebSocket(`ws://${authority}/`, protocols, options);
}
