/** The product's own gateway, whose roles come from groups: what the variables of a single tenant cannot say. Never deployed. */
import { singleTenantDocument } from "../../../worker/config/single-tenant.ts";
import type { Env } from "../../../worker/env.ts";
import { gateway } from "../../../worker/gateway.ts";
import { oidcSignIn } from "../../../worker/oidc/oidc-sign-in.ts";

let product: ExportedHandler<Env> | undefined;

export default {
  fetch(request, env, ctx) {
    const tenant = {
      ...singleTenantDocument(env, true),
      clientAddress: "masked",
      admins: { groups: ["ops"] },
      roles: [
        { role: "approver", groups: ["leads"] },
        { role: "viewer", groups: ["guests"] },
      ],
    };
    product ??= gateway({ signIn: () => oidcSignIn() }, { tenants: [tenant] });
    const { AUTHSEC_MODE, ENVIRONMENT, SESSION_SECRET, OIDC_CLIENT_SECRET, TENANT } = env;
    const rest = { AUTHSEC_MODE, ENVIRONMENT, SESSION_SECRET, OIDC_CLIENT_SECRET, TENANT } as Env;
    return product.fetch?.(request as never, rest, ctx) ?? new Response(null, { status: 404 });
  },
} satisfies ExportedHandler<Env & Record<string, string>>;
