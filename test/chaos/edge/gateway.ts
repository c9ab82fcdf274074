/** The product's own development gateway without limits, and with a way to the object's count. Never deployed. */
import type { Env } from "../../../worker/env.ts";
import { CENSUS_PATH } from "../census-path.ts";
import type { TenantObject } from "./tenant.ts";
import product from "./unlimited-gateway.ts";

export default {
  async fetch(request, env, ctx) {
    if (new URL(request.url).pathname === CENSUS_PATH) {
      const tenants = env.TENANT as unknown as DurableObjectNamespace<TenantObject>;
      return Response.json(await tenants.getByName("default/0").census());
    }
    return product.fetch?.(request as never, env, ctx) ?? new Response(null, { status: 404 });
  },
} satisfies ExportedHandler<Env>;
