import { get } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";

/** A new host needs its DNS record and its certificate; that is minutes at most, and mostly seconds. */
const NEW_HOST_MS = 90_000;
const BETWEEN_MS = 3_000;
const TIMEOUT_MS = 10_000;
const MAX_BODY_BYTES = 64 * 1024;

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** A reason in words why a check failed, or null. */
export interface Check {
  name: string;
  path: string;
  fault: (answer: Answer) => string | null;
}

export const CHECKS: readonly Check[] = [
  {
    name: "healthz",
    path: "/_gate/healthz",
    fault: (answer) => elsewhere(answer) ?? (answer.status === 200 && answer.body === "ok" ? null : unexpected(answer)),
  },
  {
    name: "sign-in page",
    path: "/_gate/login",
    fault: (answer) => elsewhere(answer) ?? (answer.status < 400 ? null : unexpected(answer)),
  },
  {
    name: "readyz",
    path: "/_gate/readyz",
    fault: (answer) => elsewhere(answer) ?? (answer.status === 200 ? null : unexpected(answer)),
  },
];

/** Asks as a browser does. @returns why it failed, or null; waits for a host that is new */
export async function runCheck(host: string, { path, fault }: Check, isNew: boolean): Promise<string | null> {
  const until = performance.now() + (isNew ? NEW_HOST_MS : 0);
  for (;;) {
    const answer = await ask(`https://${host}${path}`).catch((error: unknown) => notReached(error));
    if (typeof answer !== "string") return fault(answer);
    if (performance.now() > until) return answer;
    await sleep(BETWEEN_MS);
  }
}

/** Somebody else answered. */
function elsewhere({ status, headers, body }: Answer): string | null {
  const location = String(headers["location"] ?? "");
  if (status >= 300 && status < 400 && /^https:\/\/[^/]+\.cloudflareaccess\.com\//.test(location)) {
    return "Cloudflare Access stands in front of this host: take the host out of its Access application (Zero Trust, Access, Applications). Tidegate signs people in itself, and agents cannot pass Access";
  }
  if (headers["cf-mitigated"] === "challenge") {
    return "Cloudflare challenges visitors of this host (Bot Fight Mode or a WAF rule): let /_gate/ pass, agents cannot solve a challenge";
  }
  if (headers["x-tidegate-error"] === "config_invalid" || (status >= 500 && body.includes("config_invalid"))) {
    return "the gateway refuses its configuration, most often a secret that was set by hand (a weak SESSION_SECRET, a client secret with a line end): npx wrangler tail tells its name";
  }
  if (body.includes("error code: 1042") || body.includes("error code: 1101")) {
    return "Cloudflare could not run the Worker: npx wrangler tail tells why";
  }
  if (status === 429 || body.includes("error code: 1027")) {
    return "refused as too much: the free plan allows 100,000 requests a day";
  }
  return null;
}

function unexpected({ status, headers }: Answer): string {
  const code = headers["x-tidegate-error"];
  if (code === "provider_down") return "the gateway does not reach the provider, or its metadata is not as configured";
  return `answers ${status}${typeof code === "string" && /^[a-z_]{1,40}$/.test(code) ? ` (${code})` : ""}`;
}

function notReached(error: unknown): string {
  const { code = "" } = error as NodeJS.ErrnoException;
  if (code === "ENOTFOUND" || code === "EAI_AGAIN")
    return "its name is not known here yet (DNS): try again in a minute";
  if (/CERT|SSL|TLS|EPROTO/.test(code)) return "its certificate is not ready yet: try again in a few minutes";
  return `does not answer${code === "" ? "" : ` (${code})`}`;
}

function ask(address: string): Promise<Answer> {
  const headers = { accept: "text/html", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };
  return new Promise((resolve, reject) => {
    const request = get(address, { headers, timeout: TIMEOUT_MS }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => {
        if (body.length < MAX_BODY_BYTES) body += text;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
      response.on("error", reject);
    });
    request.on("timeout", () => request.destroy(Object.assign(new Error("timeout"), { code: "ETIMEDOUT" })));
    request.on("error", reject);
  });
}
