/** OpenClaw's reasons for refusing what comes through a proxy, in words, each with its mend; and which one settings lead to. Pure. */
import type { GatewaySettings } from "./settings.ts";
import { REQUIRED_HEADERS, type Wanted } from "./wanted.ts";

export interface Explanation {
  meaning: string;
  mend: string;
}

const CONFIGURE = "tidegate-agent configure";
const SENT_BY_AGENT = new Set<string>(REQUIRED_HEADERS);
/** Its end is the name of the header. */
const MISSING_HEADER = "trusted_proxy_missing_header_";

/** What stands in OpenClaw's log and answers. A test compares the names with those of the installed OpenClaw. */
export const REFUSALS: Readonly<Record<string, Explanation>> = {
  proxy_attribution_required: {
    meaning:
      "A request carried forwarded headers from an address that OpenClaw does not trust, or named no client address beyond this machine. A program other than the agent may be posing as the gateway.",
    mend: `If it was the agent: ${CONFIGURE}. If not: find out which program connects to OpenClaw's port.`,
  },
  trusted_proxy_config_missing: {
    meaning:
      "gateway.auth.mode is trusted-proxy, but gateway.auth.trustedProxy is not there: OpenClaw refuses everybody.",
    mend: CONFIGURE,
  },
  trusted_proxy_no_proxies_configured: {
    meaning: "gateway.trustedProxies is empty: OpenClaw refuses everybody.",
    mend: CONFIGURE,
  },
  trusted_proxy_no_request: {
    meaning: "OpenClaw judged a connection without its HTTP request: a fault inside OpenClaw, not of the settings.",
    mend: "Restart OpenClaw; if it comes again, tell the OpenClaw project.",
  },
  trusted_proxy_untrusted_source: {
    meaning: "The connection came from an address that is not in gateway.trustedProxies.",
    mend: `${CONFIGURE}: it sets the agent's own address.`,
  },
  trusted_proxy_loopback_source: {
    meaning:
      "The connection came from this machine's loopback, and gateway.auth.trustedProxy.allowLoopback is not true or the address is not trusted.",
    mend: CONFIGURE,
  },
  trusted_proxy_local_interface_source: {
    meaning:
      "The connection came from an address of this machine's network interfaces: OpenClaw takes that for a forgery.",
    mend: `The agent dials from loopback alone: check localAddress in agent.json, then ${CONFIGURE}.`,
  },
  trusted_proxy_local_interface_check_failed: {
    meaning: "OpenClaw could not list this machine's network interfaces, and refuses what it cannot check.",
    mend: "Check what keeps OpenClaw's process from it: a sandbox of the service, or a container's profile. Then restart OpenClaw.",
  },
  [MISSING_HEADER]: {
    meaning:
      "A header of gateway.auth.trustedProxy.requiredHeaders was missing. The agent sends x-forwarded-proto and x-forwarded-host.",
    mend: `${CONFIGURE}: it asks for no others.`,
  },
  trusted_proxy_user_missing: {
    meaning:
      "The header that names the person was missing: OpenClaw's gateway.auth.trustedProxy.userHeader and the agent's userHeader are not the same.",
    mend: `${CONFIGURE}, then restart the agent.`,
  },
  trusted_proxy_user_not_allowed: {
    meaning:
      "The person is signed in, but not in gateway.auth.trustedProxy.allowUsers. The comparison is exact: addresses are lower-case.",
    mend: "Add the address there, or take the list out: who may come in is decided at the gateway.",
  },
  trusted_proxy_origin_not_allowed: {
    meaning: "The browser's page is of an origin that is not in gateway.controlUi.allowedOrigins.",
    mend: `Open the assistant at its public address; if it is a new one: ${CONFIGURE}.`,
  },
};

/** What `openclaw security audit` finds in a configuration like ours, under `gateway.`. */
export const AUDIT_FINDINGS: Readonly<Record<string, Explanation>> = {
  trusted_proxy_auth: {
    meaning: "OpenClaw leaves signing in to a proxy. That is what Tidegate is for.",
    mend: "Nothing, as long as tidegate-agent doctor is content.",
  },
  trusted_proxy_no_proxies: { meaning: "gateway.trustedProxies is empty.", mend: CONFIGURE },
  trusted_proxy_no_user_header: { meaning: "gateway.auth.trustedProxy.userHeader is not set.", mend: CONFIGURE },
  trusted_proxy_no_allowlist: {
    meaning: "OpenClaw lets in whomever the gateway lets in: the gateway's own rules say who that is.",
    mend: "Nothing.",
  },
  trusted_proxy_allow_loopback: {
    meaning:
      "OpenClaw believes a proxy on this machine: the agent, known by an address of its own and a secret header name.",
    mend: "Run OpenClaw's exec in a sandbox, and the agent as a user of its own.",
  },
  trusted_proxy_device_auto_approve: {
    meaning: "Browsers of signed-in people are paired without a question: signing in is the question.",
    mend: "Nothing.",
  },
  trusted_proxy_device_auto_approve_admin: {
    meaning:
      "gateway.auth.trustedProxy.deviceAutoApprove.scopes holds operator.admin: everybody who signs in may become an administrator.",
    mend: `${CONFIGURE}: it leaves that scope out.`,
  },
};

/** @returns a reason in words; null for one that is not known */
export function explain(reason: string): Explanation | null {
  const name = reason.toLowerCase().replace(/^gateway\./, "");
  const table: Readonly<Record<string, Explanation>> = { ...REFUSALS, ...AUDIT_FINDINGS };
  if (name.startsWith(MISSING_HEADER)) return table[MISSING_HEADER] ?? null;
  return Object.hasOwn(table, name) ? (table[name] ?? null) : null;
}

/** @returns the reason for which OpenClaw would refuse the agent's people by its settings; null: it would not */
export function findRefusal(
  { auth, trustedProxies, controlUi }: GatewaySettings,
  wanted: Omit<Wanted, "admins">,
): string | null {
  const proxy = auth.trustedProxy;
  if (proxy === undefined) return "trusted_proxy_config_missing";
  if (trustedProxies.length === 0) return "trusted_proxy_no_proxies_configured";
  if (!trustedProxies.includes(wanted.localAddress)) return "proxy_attribution_required";
  if (!proxy.allowLoopback) return "trusted_proxy_loopback_source";
  const missing = proxy.requiredHeaders.find((name) => !SENT_BY_AGENT.has(name.toLowerCase()));
  if (missing !== undefined) return `${MISSING_HEADER}${missing.toLowerCase()}`;
  if (proxy.userHeader?.toLowerCase() !== wanted.userHeader) return "trusted_proxy_user_missing";
  return controlUi.allowedOrigins.includes(wanted.publicOrigin) ? null : "trusted_proxy_origin_not_allowed";
}
