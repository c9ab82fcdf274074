/**
 * The request target rule (design section 2, facts/security section 1.1): OpenClaw routes on
 * `new URL(req.url, base).pathname`, which lets `//host` and `\` move the path. A target passes only
 * if that parser gives back exactly what came in; the same string is classified and sent, never rebuilt.
 */
import { MAX_TARGET_BYTES } from "./limits.ts";

/** What policy decides on. `ui` is everything a browser may read; the rest is an exact, case-sensitive match. */
export type RouteClass = "ui" | "tools" | "gateway" | "worker" | "write";

/** @returns whether `target` (origin-form, RFC 9112 section 3.2.1) is its own fixpoint under OpenClaw's parser */
export function isCanonicalTarget(target: string): boolean {
  if (target.length > MAX_TARGET_BYTES || target[0] !== "/" || /[^\x21-\x7e]/.test(target)) return false;
  const url = parseUrl(target);
  if (url === null) return false;
  return url.host === "h.invalid" && url.username === "" && url.hash === "" && url.pathname === targetPath(target);
}

/** @returns the target up to its query, byte for byte */
export function targetPath(target: string): string {
  const query = target.indexOf("?");
  return query < 0 ? target : target.slice(0, query);
}

/** @returns the target of an absolute URL as the platform gives it, cut after the authority and not parsed */
export function rawTarget(url: string): string {
  const authority = url.indexOf("://") + 3;
  for (let at = authority; at < url.length; at++) {
    const char = url[at];
    if (char === "/" || char === "\\" || char === "?" || char === "#") return url.slice(at);
  }
  return "";
}

/** @returns the class of a canonical target, or null: no class means 403 */
export function classifyTarget(method: string, target: string, upgrade: boolean): RouteClass | null {
  const path = targetPath(target);
  if (upgrade) return path === "/__openclaw__/worker" ? "worker" : "gateway";
  if (path === "/tools/invoke" && method === "POST") return "tools";
  if (method === "GET" || method === "HEAD") return "ui";
  // TRACE would show the client what the agent adds: the secret name of the user's header among it.
  if (isUiWrite(path) && method !== "TRACE") return "write";
  return null;
}

/** Writes that the Control UI itself makes over HTTP. */
function isUiWrite(path: string): boolean {
  return path.startsWith("/api/users/") || path.startsWith("/api/chat/") || path.startsWith("/api/media/");
}

function parseUrl(target: string): URL | null {
  try {
    return new URL(target, "http://h.invalid");
  } catch {
    return null;
  }
}
