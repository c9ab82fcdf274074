/** The console's pages about agents. Whatever an agent says of itself is escaped by the template, and named as its word. */
import { html } from "hono/html";
import type { Actor, ListedAgent } from "../../durable-objects/rpc.ts";
import { type EnrolmentRequest, fingerprintOf } from "../agents/enrolment-request.ts";
import type { Tenant } from "../config/tenant.ts";
import { page, type Html } from "../pages/page.ts";
import { links, time } from "./console-pages.ts";

/** @param sealed goes back with the answer, so that what is approved is what was shown */
export async function approvalPage(tenant: Tenant, request: EnrolmentRequest, sealed: string): Promise<Response> {
  const body = html`<p>
      A computer asks to be where <strong>${tenant.name}</strong> runs. Everything that people say to the assistant will
      go to it.
    </p>
    <p>Is this what its terminal shows?</p>
    <p class="fingerprint"><code>${await fingerprintOf(request.publicKey)}</code></p>
    <dl>
      <dt>It calls itself</dt>
      <dd><bdi>${request.name}</bdi></dd>
      <dt>Asked from</dt>
      <dd>${request.address}</dd>
      <dt>OpenClaw</dt>
      <dd>${request.openclaw === null ? "not found there" : html`<bdi>${request.openclaw}</bdi>`}</dd>
      <dt>Agent</dt>
      <dd><bdi>${request.version}</bdi></dd>
    </dl>
    <form method="post" action="/device">
      <input type="hidden" name="request" value="${sealed}" />
      <div class="actions">
        <button class="primary" type="submit" name="decision" value="approve">It is the same: let it in</button>
        <button type="submit" name="decision" value="deny">I did not start this</button>
      </div>
    </form>
    <p class="soft">Somebody who sent you this link may want their own computer in your assistant's place.</p>`;
  return page(200, { title: "Let this computer in?", tenant: tenant.name }, body);
}

export function decidedPage(tenant: string, decision: "approve" | "deny"): Promise<Response> {
  const approved = decision === "approve";
  const body = html`<p>
      ${
        approved
          ? "It goes on by itself. You can close this page."
          : "It was told no. If you do not know who asked, tell your colleagues: they may get the same link."
      }
    </p>
    <p class="actions"><a class="button" href="/agents">Agents</a></p>`;
  return page(200, { title: approved ? "It is in" : "Denied", tenant }, body);
}

/** @param configured ids of the tenant document's agents */
export function agentsPage(
  tenant: string,
  actor: Actor,
  agents: ListedAgent[],
  configured: readonly string[],
): Promise<Response> {
  const enrolled = agents.map(
    ({ agent, name, enrolledAt, keys, connected }) =>
      html`<li>
        <p>
          <strong><bdi>${name}</bdi></strong> ${connected ? "connected" : "not connected"}
        </p>
        <p class="soft">${agent} · since ${time(enrolledAt)}${keys > 1 ? " · its key is being replaced" : ""}</p>
        <form method="post" action="/agents/${agent}/revoke">
          <button type="submit" aria-label="Revoke ${name}">Revoke</button>
        </form>
      </li>`,
  );
  const fixed = configured.map(
    (agent) =>
      html`<li>
        <p>
          <strong><bdi>${agent}</bdi></strong>
        </p>
        <p class="soft">From the tenant document: it is revoked there.</p>
      </li>`,
  );
  const none = enrolled.length + fixed.length === 0 ? html`<p>No computer has been let in yet.</p>` : "";
  const body = html`${links(actor)} ${none}
    <ul class="list">
      ${enrolled}${fixed}
    </ul>
    <div class="actions">
      <form method="post" action="/agents/token"><button type="submit">New enrolment token</button></form>
    </div>
    <p class="soft">
      A token is for a computer where nobody can open a page. Everywhere else, run the agent's setup.
    </p>`;
  return page(200, { title: "Agents", tenant, wide: true }, body);
}

/** The token is on this page and nowhere else. */
export function enrolmentTokenPage(tenant: string, token: string, expiresAt: number): Promise<Response> {
  const body: Html = html`<p>
      Give it to the agent as <code>TIDEGATE_ENROLL_TOKEN</code>. It lets one computer in, once, and is not shown again.
    </p>
    <p><code class="token">${token}</code></p>
    <p class="soft">Good until ${time(expiresAt)}.</p>
    <p class="actions"><a class="button primary" href="/agents">Done</a></p>`;
  return page(200, { title: "Enrolment token", tenant }, body);
}
