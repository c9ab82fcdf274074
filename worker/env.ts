/** The Worker's bindings; all but the object's namespace are texts that `config/parse-config.ts` reads. */
import type { TenantRpc } from "../durable-objects/rpc.ts";

export interface Env {
  TENANT: DurableObjectNamespace<TenantRpc & Rpc.DurableObjectBranded>;
  [name: string]: unknown;
}
