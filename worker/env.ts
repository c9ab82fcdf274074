/** The Worker's bindings; all but the object's namespace are texts that `config/parse-config.ts` reads. */
import type { TenantRpc } from "../durable-objects/rpc.ts";

export interface Env {
  /** The platform's rate limit, where the deployment has one: counts in each location, approximately. */
  ANONYMOUS_LIMIT?: { limit(options: { key: string }): Promise<{ success: boolean }> };
  /** The agent's file and what it is (wrangler.toml); absent where nobody built it. */
  ASSETS?: { fetch(request: Request): Promise<Response> };
  TENANT: DurableObjectNamespace<TenantRpc & Rpc.DurableObjectBranded>;
  [name: string]: unknown;
}
