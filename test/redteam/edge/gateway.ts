/** The product's own gateway for several tenants, with the sign-in of development. Never deployed. */
import type { Env } from "../../../worker/env.ts";
import { gateway } from "../../../worker/gateway.ts";
import { stubSignIn } from "../../../worker/stub/stub-sign-in.ts";

let product: ExportedHandler<Env> | undefined;

export default {
  fetch(request, { TENANTS, ...env }, ctx) {
    product ??= gateway({ signIn: () => stubSignIn }, JSON.parse(TENANTS) as unknown);
    return product.fetch?.(request as never, env, ctx) ?? new Response(null, { status: 404 });
  },
} satisfies ExportedHandler<Env & { TENANTS: string }>;
