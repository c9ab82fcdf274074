/** The pages around a provider: which one, and "you are known, but not let in". */
import { html } from "hono/html";
import { ERROR_HEADER, GATE_PREFIX } from "#protocol/version.ts";
import type { AccessRefusal } from "../access/decide-access.ts";
import type { Tenant } from "../config/tenant.ts";
import { page } from "./page.ts";

export interface Choice {
  label: string;
  href: string;
}

/** Links, not forms: CSP's form-action would hold on the way to the provider and beyond. */
export function chooserPage(
  tenant: string,
  choices: Choice[],
  options: { byDomain: boolean; unknown: boolean; next: string },
): Promise<Response> {
  const links = choices.map(
    ({ label, href }) => html`<li><a class="button" href="${href}">Continue with ${label}</a></li>`,
  );
  const form = html`<hr />
    <form method="get" action="${GATE_PREFIX}/login/by-email">
      <input type="hidden" name="next" value="${options.next}" />
      <label for="hint">Or with your work e-mail</label>
      <input id="hint" name="login_hint" type="email" autocomplete="username" maxlength="254" required />
      <button type="submit">Continue</button>
    </form>`;
  const body = html`<p>
      ${options.unknown ? "That address belongs to none of these. Choose one:" : "Choose how to sign in:"}
    </p>
    <nav aria-label="Sign-in services">
      <ul class="actions">
        ${links}
      </ul>
    </nav>
    ${options.byDomain ? form : ""}`;
  return page(200, { title: "Sign in", tenant }, body);
}

/** Between the e-mail form and the provider, so that the browser's form rules end here. */
export function onwardPage(tenant: string, href: string): Promise<Response> {
  const body = html`<p>You are taken to your sign-in service.</p>
    <p class="actions"><a class="button primary" href="${href}">Continue</a></p>`;
  return page(200, { title: "Signing in…", tenant, refreshUrl: href }, body);
}

const REASONS: Record<AccessRefusal, string> = {
  nobody_allowed: "Nobody has been allowed in here so far.",
  email_not_verified: "Its e-mail address is not verified there.",
  not_listed: "",
};

/** Says who they are signed in as, and how to come as somebody else. */
export async function deniedPage(
  tenant: Tenant,
  who: { person: string | null; label: string; provider: string; reason: AccessRefusal },
): Promise<Response> {
  const again = new URLSearchParams({ provider: who.provider, prompt: "select_account" });
  const name = who.person ?? "somebody without a verified e-mail address";
  const contact = tenant.contact ?? "an administrator of this workspace";
  const body = html`<dl>
      <dt>Signed in as</dt>
      <dd><bdi>${name}</bdi></dd>
      <dt>With</dt>
      <dd><bdi>${who.label}</bdi></dd>
    </dl>
    <p>This account may not use this assistant. ${REASONS[who.reason]} If it should, ask ${contact}.</p>
    <p class="actions"><a class="button primary" href="${GATE_PREFIX}/login?${again}">Use another account</a></p>`;
  const options = { title: "You are not on the list", tenant: tenant.name, trouble: true };
  const response = await page(403, { ...options, reference: `Code not_allowed, ${who.reason}` }, body);
  response.headers.set(ERROR_HEADER, "not_allowed");
  return response;
}
