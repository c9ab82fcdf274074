/**
 * Every request the gateway makes to a provider (facts/security D20): https, no redirects, 5 s, 256 KiB, JSON, no
 * private hosts. A provider's metadata names addresses, so each one is checked where it is used.
 */
import { SignInError } from "./sign-in-error.ts";

export const OUTBOUND_TIMEOUT_MS = 5_000;
export const OUTBOUND_LIMIT_BYTES = 256 * 1024;

export interface OutboundPolicy {
  /** Allows http on loopback, and private hosts over https. */
  development: boolean;
  timeoutMs?: number;
  fetch?: typeof fetch;
}

/** Same arguments as `fetch`; the body has arrived, whole, when it resolves. @throws {SignInError} provider_* */
export type OutboundFetch = (url: string, init?: OutboundInit) => Promise<Response>;

export interface OutboundInit {
  method?: string;
  headers?: HeadersInit;
  body?: BodyInit | null | undefined;
}

export function outboundFetch(policy: OutboundPolicy): OutboundFetch {
  const send = policy.fetch ?? ((input, init) => fetch(input, init));
  return async function outboundFetch(address, init = {}) {
    const url = URL.parse(address);
    if (url === null || !isAllowed(url, policy.development)) throw new SignInError("provider_url_refused");
    const signal = AbortSignal.timeout(policy.timeoutMs ?? OUTBOUND_TIMEOUT_MS);
    try {
      const { method = "GET", headers, body } = init;
      const response = await send(url.href, {
        method,
        ...(headers === undefined ? {} : { headers }),
        body: body ?? null,
        redirect: "manual",
        signal,
      });
      return await readWhole(response);
    } catch (cause) {
      if (cause instanceof SignInError) throw cause;
      throw new SignInError(signal.aborted ? "provider_timeout" : "provider_unreachable", { cause });
    }
  };
}

/** @returns whether the gateway may send a request there, or a browser with one of its own */
export function isAllowed(url: URL, development: boolean): boolean {
  if (url.username !== "" || url.password !== "") return false;
  if (url.protocol === "https:") return development || isPublicName(url.hostname);
  return url.protocol === "http:" && development && isLoopback(url.hostname);
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Addresses and names that no public resolver answers; the platform's flag refuses what resolves to a private one. */
function isPublicName(host: string): boolean {
  const name = host.replace(/\.$/, "");
  if (name.startsWith("[") || /^[\d.]+$/.test(name) || !name.includes(".")) return false;
  return !/\.(localhost|local|internal|intranet|lan|home|corp|private|test|invalid|onion|home\.arpa)$/.test(name);
}

async function readWhole(response: Response): Promise<Response> {
  const { status, headers } = response;
  // "manual" shows a redirect as it is; opaque ones (status 0) exist in browsers only.
  if (status === 0 || (status >= 300 && status < 400)) {
    await response.body?.cancel();
    throw new SignInError("provider_redirected");
  }
  const bytes = await readBounded(response);
  if (bytes.byteLength > 0 && status < 300 && !isJson(headers.get("content-type"))) {
    throw new SignInError("provider_answer_not_json");
  }
  const kept = new Headers();
  for (const name of ["content-type", "www-authenticate"]) {
    const value = headers.get(name);
    if (value !== null) kept.set(name, value);
  }
  return new Response(status === 204 || status === 205 ? null : bytes, { status, headers: kept });
}

/** Counts while it streams: `Content-Length` may be missing, and is before decompression. */
async function readBounded(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = (response.body as ReadableStream<Uint8Array> | null)?.getReader();
  while (reader !== undefined) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.byteLength;
    if (size > OUTBOUND_LIMIT_BYTES) {
      await reader.cancel();
      throw new SignInError("provider_answer_too_large");
    }
    chunks.push(value);
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}

/** JSON in any dress (`application/jwk-set+json`), or a JWT where UserInfo or claims are signed. */
function isJson(contentType: string | null): boolean {
  const type = contentType?.split(";")[0]?.trim().toLowerCase() ?? "";
  return (
    type === "application/json" || type === "application/jwt" || /^application\/[a-z0-9.-]+\+(json|jwt)$/.test(type)
  );
}
