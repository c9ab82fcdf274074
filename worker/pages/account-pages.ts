/** The pages of a signed-in person: the first visit, who they are, sign out, signed out. */
import { html } from "hono/html";
import type { SessionView } from "../../durable-objects/rpc.ts";
import { GATE_PREFIX } from "#protocol/version.ts";
import type { Tenant } from "../config/tenant.ts";
import { page, type Html } from "./page.ts";

type Site = Pick<Tenant, "name" | "contact" | "notice">;

const SHARED = "Everyone who can sign in here shares this assistant: they can see its chats and your name.";

/** Once per person, before their first chat. */
export function welcomePage(site: Site, session: SessionView, next: string): Promise<Response> {
  const body = html`<p>
      Signed in as <strong><bdi>${session.email ?? session.user}</bdi></strong
      >.
    </p>
    <p>${SHARED}</p>
    ${noticeOf(site)}
    <form class="actions" method="post" action="${GATE_PREFIX}/welcome">
      <input type="hidden" name="next" value="${next}" />
      <button class="primary" type="submit">Continue to ${site.name}</button>
    </form>
    <p class="soft">Not you, or not now? <a href="${GATE_PREFIX}/logout">Sign out</a></p>`;
  return page(200, { title: "Before you start", tenant: site.name }, body);
}

/** `/_gate`: the page that the assistant itself can name, since nothing of OpenClaw's shows a way out. */
export function indexPage(site: Site, session: SessionView): Promise<Response> {
  const { email, user, name, role, createdAt, expiresAt, idleExpiresAt } = session;
  const body = html`<dl>
      <dt>Signed in as</dt>
      <dd><bdi>${email ?? user}</bdi></dd>
      ${
        name === null
          ? ""
          : html`<dt>Name</dt>
              <dd><bdi>${name}</bdi></dd>`
      }
      <dt>Role</dt>
      <dd>${role}</dd>
      <dt>Since</dt>
      <dd>${time(createdAt)}</dd>
      <dt>Ends</dt>
      <dd>${time(expiresAt)}</dd>
      <dt>If unused</dt>
      <dd>${time(idleExpiresAt)}</dd>
    </dl>
    <p class="actions"><a class="button primary" href="/">Open the assistant</a></p>
    <hr />
    <h2>Sign out</h2>
    <p class="soft">Open chats are closed at once. What was said stays with the assistant.</p>
    <div class="actions">
      <form method="post" action="${GATE_PREFIX}/logout"><button type="submit">Sign out of this browser</button></form>
      <form method="post" action="${GATE_PREFIX}/logout/everywhere">
        <button type="submit">Sign out of every browser</button>
      </form>
    </div>
    <hr />
    <h2>Good to know</h2>
    <p class="soft">${SHARED}</p>
    ${noticeOf(site)} ${site.contact === null ? "" : html`<p class="soft">Questions? Ask ${site.contact}.</p>`}`;
  return page(200, { title: "Your session", tenant: site.name }, body);
}

/** At the console all of one's own sessions can be ended; at the assistant, where OpenClaw's pages run, only its own. */
export function signOutPage({ name, kind }: Pick<Tenant, "name" | "kind">): Promise<Response> {
  const everywhere =
    kind === "console"
      ? { action: "/everywhere", label: "End all of mine" }
      : { action: `${GATE_PREFIX}/logout/everywhere`, label: "Sign out of every browser" };
  const body = html`<p>Open chats in this browser are closed at once. What was said stays with the assistant.</p>
    <div class="actions">
      <form method="post" action="${GATE_PREFIX}/logout">
        <button class="primary" type="submit">Sign out</button>
      </form>
      <form method="post" action="${everywhere.action}"><button type="submit">${everywhere.label}</button></form>
      <a class="button" href="/">Stay signed in</a>
    </div>`;
  return page(200, { title: "Sign out?", tenant: name }, body);
}

/** @param cleared the browser was just told to forget what it kept of the assistant */
export function signedOutPage(tenant: string, cleared = false): Promise<Response> {
  const shared = html`<hr />
    <h2>Is this computer shared?</h2>
    <p class="soft">This browser still keeps drafts, cached pages and this device's key for the assistant.</p>
    <form method="post" action="${GATE_PREFIX}/signed-out"><button type="submit">Remove them</button></form>`;
  const body = html`<p>
      ${cleared ? "Drafts, cached pages and this device's key were removed from this browser." : "Your session here has ended, and its open chats are closed."}
    </p>
    <p class="actions"><a class="button primary" href="${GATE_PREFIX}/login">Sign in again</a></p>
    ${cleared ? "" : shared}`;
  return page(200, { title: "You are signed out", tenant }, body);
}

/** Goes on to the provider's own sign-out: by itself, and by a link where that is switched off. */
export function leavingPage(tenant: string, url: string): Promise<Response> {
  const body = html`<p>Your session here has ended. One more step ends it at your sign-in service too.</p>
    <div class="actions">
      <a class="button primary" href="${url}">Continue</a>
      <a class="button" href="${GATE_PREFIX}/signed-out">Stay signed in there</a>
    </div>`;
  return page(200, { title: "Signing out", tenant, refreshUrl: url }, body);
}

function noticeOf({ notice }: Site): Html | "" {
  return notice === null ? "" : html`<p class="note">${notice}</p>`;
}

function time(ms: number): Html {
  const iso = new Date(ms).toISOString();
  return html`<time datetime="${iso}">${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC</time>`;
}
