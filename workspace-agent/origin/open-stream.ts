/** From an OPEN to an exchange: the agent's own checks, then the wait for identity, then OpenClaw. */
import type { OpenHead } from "#protocol/frame.ts";
import type { Log } from "../log.ts";
import type { OpenGate } from "../method-gate/open-gate.ts";
import type { StreamPort } from "../streams/stream.ts";
import type { OpenStream } from "../streams/streams.ts";
import { HttpOrigin } from "./http-origin.ts";
import type { IdentityGate, Origin } from "./origin.ts";
import { refuseHead } from "./origin-headers.ts";
import { WebSocketOrigin } from "./websocket-origin.ts";

/** @param openGate null for an origin that is no OpenClaw */
export function openStreams(origin: Origin, identity: IdentityGate, openGate: OpenGate | null, log: Log): OpenStream {
  return function openStream(id: number, head: OpenHead, port: StreamPort) {
    // OpenClaw takes any path but the worker's for its gateway protocol.
    const gate = head.routeClass === "gateway" ? openGate : null;
    const exchange =
      head.kind === "ws" ? new WebSocketOrigin(id, head, origin, port, gate) : new HttpOrigin(id, head, origin, port);
    const refusal = refuseHead(head);
    if (refusal !== null) {
      log("stream.refused", { stream: id, code: refusal });
      exchange.refuse(refusal);
      return exchange;
    }
    const written = identity(head);
    if (written === null) {
      exchange.start();
      return exchange;
    }
    void written.then((result) => {
      if (result === "ok") exchange.start();
      else exchange.refuse(result);
    });
    return exchange;
  };
}
