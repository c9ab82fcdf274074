/** What the agent needs of OpenClaw, and the settings that say so. Pure. */

/** How the agent will come in. */
export interface Wanted {
  /** OpenClaw believes identity headers from here alone. */
  localAddress: string;
  userHeader: string;
  /** What people type, with its scheme. */
  publicOrigin: string;
  /** E-mail addresses that get operator.admin in OpenClaw; those that have it already keep it. */
  admins: readonly string[];
}

export const REQUIRED_HEADERS = ["x-forwarded-proto", "x-forwarded-host"];
/** What every signed-in person's browser may be given; operator.admin comes by name only. */
export const EVERYBODY = ["operator.read", "operator.write", "operator.approvals", "operator.questions"];
export const ADMIN_SCOPE = "operator.admin";
/**
 * What OpenClaw shows in place of a secret. By the path alone it takes the scopes of `secretary@example.com` for one, as
 * it does those of every address with "secret", "password" or "api-key" in it (2026.9.6).
 */
export const REDACTED = "__OPENCLAW_REDACTED__";

/** A random name is a second layer: whoever cannot read the settings cannot present an identity. */
export function randomUserHeader(bytes: Uint8Array): string {
  return `x-tidegate-user-${Buffer.from(bytes).toString("hex")}`;
}
