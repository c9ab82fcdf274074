/** The development gateway with the limits of people out of the way: for measuring, and for faults. Never deployed. */
import type { Rate, TenantSettings } from "../../../durable-objects/tenant-settings.ts";
import { gateway } from "../../../worker/gateway.ts";
import { loopbackOnly } from "../../../worker/stub/loopback-only.ts";
import { stubSignIn } from "../../../worker/stub/stub-sign-in.ts";

const MUCH: Rate = { burst: 1e9, perSecond: 1e9 };
const UNLIMITED: TenantSettings["limits"] = {
  requests: MUCH,
  upgrades: MUCH,
  messages: MUCH,
  signInsOfAddress: MUCH,
  signInsOfPerson: MUCH,
  socketsPerPerson: 1e6,
  bodyBytes: 1e12,
};

export default gateway({
  guard: loopbackOnly,
  signIn(config) {
    for (const tenant of config.tenants) {
      const { call } = tenant;
      tenant.limits = UNLIMITED;
      const settings = JSON.parse(call.settings) as TenantSettings;
      settings.limits = UNLIMITED;
      call.settings = JSON.stringify(settings);
    }
    return stubSignIn;
  },
});
