/** Small requests to OpenClaw on loopback, as the agent makes them and as a stranger would. */
import { request } from "node:http";

const TIMEOUT_MS = 5_000;
const MAX_BODY_CHARACTERS = 4_096;
/** Documentation address: OpenClaw refuses loopback as a client, and no client is behind a probe. */
const NOBODY = "192.0.2.1";
/** One for all probes, and nobody's: OpenClaw keeps a profile for whomever it lets in. */
export const PROBE_USER = "tidegate-doctor@probe.invalid";

export interface ProbeAnswer {
  /** null: nobody answered. */
  status: number | null;
  /** OpenClaw's own name for a refusal, such as `proxy_attribution_required`. */
  type: string | null;
}

export interface ProbeTarget {
  host: string;
  port: number;
  userHeader: string;
  publicHost: string;
}

/** @param user null leaves the identity out @param path an authenticated one, which changes nothing */
export function probe(
  target: ProbeTarget,
  from: string | undefined,
  user: string | null,
  path = "/control-ui-config.json",
): Promise<ProbeAnswer> {
  return get(target, from, path, {
    host: target.publicHost,
    "x-forwarded-for": NOBODY,
    "x-forwarded-proto": "https",
    "x-forwarded-host": target.publicHost,
    "x-openclaw-scopes": "operator.read",
    ...(user === null ? {} : { [target.userHeader]: user }),
  });
}

/** @returns whether OpenClaw takes requests */
export async function isReady(host: string, port: number): Promise<boolean> {
  return (await get({ host, port }, undefined, "/readyz", {})).status === 200;
}

function get(
  { host, port }: { host: string; port: number },
  localAddress: string | undefined,
  path: string,
  headers: Record<string, string>,
): Promise<ProbeAnswer> {
  return new Promise((resolve) => {
    const nobody = () => resolve({ status: null, type: null });
    const outgoing = request({
      host,
      port,
      path,
      headers,
      agent: false,
      timeout: TIMEOUT_MS,
      ...(localAddress === undefined ? {} : { localAddress }),
    });
    outgoing.on("timeout", () => outgoing.destroy());
    outgoing.on("error", nobody);
    outgoing.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        if (text.length < MAX_BODY_CHARACTERS) text += part;
      });
      response.on("error", nobody);
      response.on("end", () => resolve({ status: response.statusCode ?? null, type: typeOf(text) }));
    });
    outgoing.end();
  });
}

function typeOf(text: string): string | null {
  try {
    const { type } = (JSON.parse(text) as { error?: { type?: unknown } }).error ?? {};
    return typeof type === "string" ? type : null;
  } catch {
    return null;
  }
}
