/** `/_gate/logout`: a person signs out, here or everywhere, and then at the provider (RP-Initiated Logout 1.0). */
import { Hono } from "hono";
import type { SessionView } from "../../durable-objects/rpc.ts";
import type { AppContext, AppEnv, Deps, SignInAdapter } from "../context.ts";
import { withCookies } from "../cookies/with-cookies.ts";
import { leavingPage, signOutPage } from "../pages/account-pages.ts";
import { GatewayError } from "../problem.ts";
import { revokeSpentLater } from "../renewal/revoke-spent.ts";
import { endSession, forgetCookie, markSignedOut, requireSession } from "../session-lifecycle.ts";
import { shardsOf } from "../shards.ts";

export function logoutRoutes(deps: Deps, signIn: SignInAdapter): Hono<AppEnv> {
  const logout = new Hono<AppEnv>();
  logout.get("/", (c) => signOutPage(c.var.tenant));
  logout.post("/", async (c) => {
    const session = await findSession(deps, c);
    await endSession(deps, c, "signed_out");
    return leave(deps, signIn, c, session);
  });
  logout.post("/everywhere", async (c) => {
    const { tenant } = c.var;
    const session = await requireSession(deps, c);
    for (const shard of shardsOf(tenant)) {
      const object = deps.tenantObject(tenant.id, shard);
      await object.revoke(tenant.call, { assistantsOf: session.person }, "signed_out_everywhere");
    }
    return leave(deps, signIn, c, session);
  });
  return logout;
}

/** The session is over; what is left is the cookie, its refresh token, and the session at the provider. */
async function leave(deps: Deps, signIn: SignInAdapter, c: AppContext, session?: SessionView): Promise<Response> {
  const { tenant } = c.var;
  // A stranger's form ends here: no object hears of it.
  if (session === undefined) {
    forgetCookie(c);
    return c.redirect("/_gate/signed-out", 303);
  }
  await markSignedOut(deps, c);
  for (const shard of shardsOf(tenant)) revokeSpentLater(deps, signIn, c, shard);
  const elsewhere = (await signIn.signOutUrl?.(session, c)) ?? null;
  if (elsewhere === null) return c.redirect("/_gate/signed-out", 303);
  return withCookies(c, await leavingPage(tenant.name, elsewhere));
}

/** @returns the session that is being signed out of, or undefined when it is over already */
async function findSession(deps: Deps, c: AppContext): Promise<SessionView | undefined> {
  try {
    return await requireSession(deps, c);
  } catch (error) {
    if (error instanceof GatewayError) return undefined;
    throw error;
  }
}
