/** Development sign-in: a list of people, one click each. */
import { Hono } from "hono";
import { html } from "hono/html";
import { GATE_PREFIX } from "#protocol/version.ts";
import type { AppEnv, Deps, SignInAdapter } from "../context.ts";
import { returnTarget } from "../not-signed-in.ts";
import { page } from "../pages/page.ts";
import { GatewayError } from "../problem.ts";
import { landing } from "../routes/welcome.ts";
import { startSession } from "../session-lifecycle.ts";

export function stubSignIn(deps: Deps): SignInAdapter {
  const login = new Hono<AppEnv>();
  login.get("/", (c) => {
    const next = returnTarget(c.req.query("next"));
    const people = deps.config.stubUsers.map(
      ({ email, role }) =>
        html`<li>
          <button class="row" type="submit" name="email" value="${email}">
            <span>${email}</span><span class="soft">${role}</span>
          </button>
        </li>`,
    );
    const body = html`<p>Who are you today?</p>
      <form method="post" action="${GATE_PREFIX}/login">
        <input type="hidden" name="next" value="${next}" />
        <ul class="actions">
          ${people}
        </ul>
      </form>
      <p class="soft">
        Development sign-in: anyone on this computer can sign in as anyone. It is not part of a deployed gateway.
      </p>`;
    return page(200, { title: "Sign in", tenant: c.var.tenant.name }, body);
  });
  login.post("/", async (c) => {
    const form = await c.req.parseBody();
    const user = deps.config.stubUsers.find(({ email }) => email === form["email"]);
    if (user === undefined) throw new GatewayError("not_allowed");
    const { notice } = await startSession(deps, c, {
      provider: "stub",
      issuer: "urn:tidegate:stub",
      subject: user.email,
      email: user.email,
      name: displayName(user.email),
      groups: [],
      role: user.role,
      providerSessionId: null,
      refreshToken: null,
    });
    const next = returnTarget(typeof form["next"] === "string" ? form["next"] : undefined);
    return c.redirect(landing(next, notice), 303);
  });
  return { login };
}

/** `alice.smith@example.com` is shown as "Alice Smith". */
function displayName(email: string): string {
  const words = (email.split("@")[0] ?? "").split(/[._+-]+/).filter((word) => word !== "");
  return words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join(" ");
}
