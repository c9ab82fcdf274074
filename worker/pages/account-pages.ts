/** The few pages a signed-in person meets: who they are, sign out, signed out. */
import { html } from "hono/html";
import type { SessionView } from "../../durable-objects/rpc.ts";
import { GATE_PREFIX } from "#protocol/version.ts";
import { page } from "./page.ts";

export function indexPage(tenant: string, session: SessionView): Promise<Response> {
  const body = html`<dl>
      <dt>Signed in as</dt>
      <dd>${session.email ?? session.user}</dd>
      <dt>Role</dt>
      <dd>${session.role}</dd>
      <dt>Since</dt>
      <dd>${when(session.createdAt)}</dd>
      <dt>Until</dt>
      <dd>${when(session.expiresAt)} at the latest</dd>
    </dl>
    <p><a class="button primary" href="/">Open the assistant</a></p>
    <form method="post" action="${GATE_PREFIX}/logout"><button type="submit">Sign out</button></form>
    <p class="soft">Everyone who can sign in here shares this assistant: they can see its chats and your name.</p>`;
  return page(200, { title: "Your session", tenant }, body);
}

export function signOutPage(tenant: string): Promise<Response> {
  const body = html`<p>Open chats in this browser are closed at once.</p>
    <form method="post" action="${GATE_PREFIX}/logout">
      <button class="primary" type="submit">Sign out</button>
    </form>
    <form method="post" action="${GATE_PREFIX}/logout/everywhere">
      <button type="submit">Sign out everywhere</button>
    </form>
    <p><a class="button" href="/">Stay signed in</a></p>`;
  return page(200, { title: "Sign out?", tenant }, body);
}

export function signedOutPage(tenant: string): Promise<Response> {
  const body = html`<p>Your session has ended and its open chats are closed.</p>
    <p><a class="button primary" href="${GATE_PREFIX}/login">Sign in again</a></p>`;
  return page(200, { title: "You are signed out", tenant }, body);
}

/** Goes on to the provider's own sign-out: by itself, and by a link where that is switched off. */
export function leavingPage(tenant: string, url: string): Promise<Response> {
  const body = html`<p>Your session here has ended. One more step ends it at your sign-in service too.</p>
    <p><a class="button primary" href="${url}">Continue</a></p>
    <p><a class="button" href="${GATE_PREFIX}/signed-out">Stay signed in there</a></p>`;
  return page(200, { title: "Signing out", tenant, refreshUrl: url }, body);
}

function when(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
