/** Every name that carries the product or a version of the wire, in one place, so that a rename is one file. */

/** What people read. */
export const PRODUCT = "Tidegate";
/** Release of both ends; the agent tells it in HELLO. */
export const VERSION = "0.1.0";
/** WebSocket subprotocol of the tunnel: a peer of another version fails at the upgrade, before any frame (SPEC.md section 1). */
export const SUBPROTOCOL = "tidegate.v1";
/** `Authorization` scheme of the agent's upgrade (SPEC.md section 1). */
export const AGENT_SCHEME = "Tidegate";
/** Lower-case prefix of every header of ours; anything a client or an origin sends under it is dropped. */
export const HEADER_PREFIX = "x-tidegate-";
/** Marks a response made by the gateway; its value is the error's code. */
export const ERROR_HEADER = "x-tidegate-error";
/** On the agent's 101: the pass it shows from now on (SPEC.md section 12). */
export const AGENT_PASS_HEADER = "x-tidegate-agent-pass";
/** Session cookie names start with this (`__Host-` before it on https). */
export const COOKIE_PREFIX = "tidegate-";
/** Path prefix of the gateway's own routes; never relayed. */
export const GATE_PREFIX = "/_gate";
