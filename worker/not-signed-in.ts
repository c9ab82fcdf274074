/** What OpenClaw's Control UI must get when nobody is signed in (design section 5; each row is a test). Pure. */
import { isCanonicalTarget, targetPath } from "#protocol/request-target.ts";

export type NotSignedIn =
  { type: "redirect"; next: string } | { type: "renewal" } | { type: "empty" } | { type: "problem" };

/** The probe whose redirect starts a silent renewal in the UI; it is asked for under each mount path. */
const PROBE = "/control-ui-config.json";

export function notSignedIn(method: string, target: string, headers: Headers): NotSignedIn {
  const path = targetPath(target);
  if (method === "HEAD" && path.endsWith(PROBE)) return { type: "redirect", next: "/" };
  if (isFramed(headers)) {
    // Nobody can sign in inside a frame of another page; only the UI's own hidden one leads on, to a renewal.
    return method === "GET" && path.endsWith(PROBE) ? { type: "renewal" } : { type: "problem" };
  }
  if (isNavigation(method, headers)) return { type: "redirect", next: safeNext(target) };
  // The UI asks HEAD of its own page before it reloads itself; a 401 here would stop it.
  if (method === "HEAD" && !isAsset(path)) return { type: "empty" };
  return { type: "problem" };
}

/** @returns whether a person will see the answer as a page */
export function isNavigation(method: string, headers: Headers): boolean {
  if (method !== "GET") return false;
  const mode = headers.get("sec-fetch-mode");
  if (mode !== null) return mode === "navigate";
  return headers.get("accept")?.includes("text/html") ?? false;
}

/** @returns whether the answer would be shown inside another page */
export function isFramed(headers: Headers): boolean {
  const destination = headers.get("sec-fetch-dest");
  return destination !== null && /^(iframe|frame|fencedframe|embed|object)$/.test(destination);
}

/** @returns a target of OpenClaw's to come back to after sign-in, never one of ours or of another host */
export function safeNext(target: string): string {
  const path = targetPath(target);
  if (!path.startsWith("/") || path.startsWith("//") || path.startsWith("/_gate")) return "/";
  const query = new URLSearchParams(target.slice(path.length + 1));
  query.delete("openclaw_mount_recovery");
  const rest = query.toString();
  return rest === "" ? path : `${path}?${rest}`;
}

/** @returns where to go after sign-in: what was asked for if that is an address of OpenClaw's, else the first page */
export function returnTarget(wanted: string | null | undefined): string {
  return wanted != null && isCanonicalTarget(wanted) ? safeNext(wanted) : "/";
}

function isAsset(path: string): boolean {
  return path.startsWith("/assets/") || path.startsWith("/fonts/") || path.startsWith("/api/");
}
