/** What the console shows. Everything a person or a provider wrote is escaped by the template. */
import { html } from "hono/html";
import type { Actor, ListedPerson, ListedSession, Page } from "../../durable-objects/rpc.ts";
import { page, type Html } from "../pages/page.ts";

const KINDS = { browser: "Assistant", console: "Console", cli: "Command line" } as const;

export function overviewPage(tenant: string, actor: Actor, own: Page<ListedSession>): Promise<Response> {
  const body = html`${links(actor)}
    <dl>
      <dt>Signed in as</dt>
      <dd><bdi>${actor.email ?? actor.name ?? "somebody without an address"}</bdi></dd>
      <dt>Role</dt>
      <dd>${actor.role}</dd>
      <dt>Until</dt>
      <dd>${time(actor.expiresAt)}</dd>
    </dl>
    <h2>Your sessions</h2>
    ${sessionList(own.items)}
    <div class="actions">
      <form method="post" action="/everywhere"><button type="submit">End all of mine</button></form>
      <form method="post" action="/cli"><button type="submit">New token for the command line</button></form>
      <a class="button" href="/_gate/logout">Sign out here</a>
    </div>`;
  return page(200, { title: "Console", tenant, wide: true }, body);
}

export function sessionsPage(tenant: string, actor: Actor, list: Page<ListedSession>): Promise<Response> {
  const body = html`${links(actor)} ${sessionList(list.items)} ${more("/sessions", list.next)}
    <p class="actions"><a class="button" href="/revoke-all">End everybody's…</a></p>`;
  return page(200, { title: "Sessions", tenant, wide: true }, body);
}

export function peoplePage(tenant: string, actor: Actor, list: Page<ListedPerson>): Promise<Response> {
  const people = list.items.map(
    ({ key, email, user, name, role, signedInAt, openSockets }) =>
      html`<li>
        <p>
          <strong><bdi>${email ?? user}</bdi></strong> ${name === null ? "" : html`<bdi>${name}</bdi>`}
        </p>
        <p class="soft">
          ${role} · last sign-in ${time(signedInAt)} · open chats:
          ${openSockets}${
            // Whoever wants to sign in with this address is refused until it is nobody's.
            email === user ? "" : html` · in OpenClaw <bdi>${user}</bdi>`
          }
        </p>
        <div class="actions">
          <form method="post" action="/people/${key}/revoke">
            <button type="submit" aria-label="End the sessions of ${email ?? user}">End their sessions</button>
          </form>
          ${
            key === actor.person
              ? ""
              : html`<a class="button" href="/people/${key}/forget" aria-label="Forget ${email ?? user}">Forget…</a>`
          }
        </div>
      </li>`,
  );
  const body = html`${links(actor)}
    <ul class="list">
      ${people}
    </ul>
    ${more("/people", list.next)}`;
  return page(200, { title: "People", tenant, wide: true }, body);
}

export function forgetPage(tenant: string, { key, user, email, name }: ListedPerson): Promise<Response> {
  const body = html`<p>
      <strong><bdi>${email ?? user}</bdi></strong> ${name === null ? "" : html`<bdi>${name}</bdi>`}
    </p>
    <p>Their sessions end, and their open chats are closed at once.</p>
    <p>
      What Tidegate wrote about them leaves the workspace's files at once; where the computer is away, when it is back.
      The audit trail stays.
    </p>
    <p>
      Their chats and their profile stay in OpenClaw. Whoever signs in as <bdi>${user}</bdi> later gets that profile and
      its chats.
    </p>
    <p>If they may still come in, they can sign in again, as on their first visit.</p>
    <div class="actions">
      <form method="post" action="/people/${key}/forget">
        <button class="primary" type="submit">Forget this person</button>
      </form>
      <a class="button" href="/people">Back</a>
    </div>`;
  return page(200, { title: "Forget this person?", tenant }, body);
}

export function revokeAllPage(tenant: string): Promise<Response> {
  const body = html`<p>Everybody is signed out, you too. Open chats are closed at once.</p>
    <div class="actions">
      <form method="post" action="/revoke-all">
        <button class="primary" type="submit">End everybody's sessions</button>
      </form>
      <a class="button" href="/sessions">Back</a>
    </div>`;
  return page(200, { title: "End everybody's sessions?", tenant }, body);
}

/** The token is on this page and nowhere else. */
export function tokenPage(tenant: string, token: string, expiresAt: number): Promise<Response> {
  const body = html`<p>Paste this where <code>npm run tidegate -- sign-in</code> asks for it. It is not shown again.</p>
    <p><code class="token">${token}</code></p>
    <p class="soft">Good until ${time(expiresAt)}. It is listed among your sessions, and ended there.</p>
    <p class="actions"><a class="button primary" href="/">Done</a></p>`;
  return page(200, { title: "Token for the command line", tenant }, body);
}

function sessionList(items: ListedSession[]): Html {
  const rows = items.map(
    ({ handle, kind, email, name, role, createdAt, lastSeenAt, address, userAgent, current }) =>
      html`<li>
        <p>
          <strong><bdi>${email ?? name ?? "somebody without an address"}</bdi></strong> ${KINDS[kind]}
          ${current ? "(this one)" : ""}
        </p>
        <p class="soft">
          ${role} · since ${time(createdAt)} · last used ${time(lastSeenAt)} · ${address}<br /><bdi
            >${userAgent.slice(0, 120)}</bdi
          >
        </p>
        <form method="post" action="/sessions/${handle}/end">
          <button type="submit" aria-label="End the session of ${email ?? name ?? "somebody"}">End</button>
        </form>
      </li>`,
  );
  return html`<ul class="list">
    ${rows}
  </ul>`;
}

export function links({ role }: Actor): Html | "" {
  if (role !== "admin") return "";
  return html`<nav class="tabs" aria-label="Console">
    <a href="/">Yours</a> <a href="/sessions">Sessions</a> <a href="/people">People</a> <a href="/agents">Agents</a>
  </nav>`;
}

function more(path: string, cursor: string | null): Html | "" {
  return cursor === null ? "" : html`<p><a href="${path}?cursor=${encodeURIComponent(cursor)}">More</a></p>`;
}

export function time(ms: number): Html {
  const iso = new Date(ms).toISOString();
  return html`<time datetime="${iso}">${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC</time>`;
}
