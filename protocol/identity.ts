/** Who a person is and what they may do: the part of a sign-in that crosses the wire (SPEC.md section 8). */

/** Roles, weakest first. The list is closed: nothing else may reach a file or a header. */
export const ROLES = ["viewer", "user", "approver", "admin"] as const;
export type Role = (typeof ROLES)[number];

/** OpenClaw scopes that a role is given on HTTP and capped at on WebSockets. Always sent, never empty. */
export const ROLE_SCOPES: Record<Role, readonly string[]> = {
  viewer: ["operator.read"],
  user: ["operator.read", "operator.write", "operator.questions"],
  approver: ["operator.read", "operator.write", "operator.questions", "operator.approvals"],
  admin: [
    "operator.read",
    "operator.write",
    "operator.questions",
    "operator.approvals",
    "operator.admin",
    "operator.pairing",
  ],
};

/** Scopes that never travel over HTTP, where the header grants instead of caps (design section 4). */
const NEVER_ON_HTTP = new Set(["operator.admin", "operator.pairing"]);

/** @returns the scopes header's list for one relayed exchange */
export function scopesFor(role: Role, kind: "http" | "ws"): string[] {
  const scopes = ROLE_SCOPES[role];
  return kind === "ws" ? [...scopes] : scopes.filter((scope) => !NEVER_ON_HTTP.has(scope));
}

/** A signed-in person as the workspace is told about them. */
export interface Person {
  /** Stable, opaque key of (tenant, issuer, subject); never shown to the model. */
  key: string;
  /** The user string OpenClaw gets: lower-case ASCII, e-mail shaped ({@link isUserString}). */
  user: string;
  /** Verified e-mail, or null when the provider vouches for none. */
  email: string | null;
  /** Display name as the provider tells it; hostile until it passed {@link safeName}. */
  name: string | null;
  role: Role;
  /** True while at least one stream of theirs is open: they come first in the roster. */
  active: boolean;
}

const USER_STRING = /^[a-z0-9!#$%&'*+/=?^_{|}~.-]{1,64}@[a-z0-9.-]{1,190}$/;

/** @returns whether `text` may be sent to OpenClaw as the user: one `@`, no `..`, ASCII, lower case */
export function isUserString(text: string): boolean {
  return USER_STRING.test(text) && !text.includes("..");
}

/** @returns whether `role` is one of {@link ROLES} */
export function isRole(role: unknown): role is Role {
  return typeof role === "string" && (ROLES as readonly string[]).includes(role);
}

const SAFE_NAME = /^[\p{L}\p{M}\p{N} .'’-]{1,64}$/u;

/** Letters and marks among them: fillers, variation selectors. Whole sentences can be written in these, for a model alone to read. */
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/u;

/** @returns the name in NFC when it is one short line of letters, digits and a little punctuation, all of it visible; else null (it is left out) */
export function safeName(name: string | null): string | null {
  if (name === null) return null;
  const text = name.normalize("NFC").trim();
  return SAFE_NAME.test(text) && !INVISIBLE.test(text) ? text : null;
}
