/** What OpenClaw's configuration says about who may come in: the part that `configure` changes and `doctor` reads. */
import * as v from "valibot";

const Texts = v.optional(v.array(v.string()), []);
/** Loose everywhere: the rest is OpenClaw's business, and its own schema judges it. */
const Gateway = v.looseObject({
  port: v.optional(v.number()),
  bind: v.optional(v.string()),
  publicOrigin: v.optional(v.string()),
  trustedProxies: Texts,
  reload: v.optional(v.looseObject({ mode: v.optional(v.string()) })),
  controlUi: v.optional(v.looseObject({ allowedOrigins: Texts }), {}),
  roles: v.optional(
    v.looseObject({ definitions: v.optional(v.record(v.string(), v.looseObject({ scopes: Texts })), {}) }),
  ),
  auth: v.optional(
    v.looseObject({
      mode: v.optional(v.string()),
      /** Redacted, or the name of where it is kept. */
      token: v.optional(v.unknown()),
      password: v.optional(v.unknown()),
      identityScopes: v.optional(v.record(v.string(), v.array(v.string())), {}),
      trustedProxy: v.optional(
        v.looseObject({
          userHeader: v.optional(v.string()),
          requiredHeaders: Texts,
          allowUsers: Texts,
          allowLoopback: v.optional(v.boolean(), false),
          deviceAutoApprove: v.optional(
            v.looseObject({ enabled: v.optional(v.boolean(), false), scopes: v.optional(v.array(v.string())) }),
          ),
        }),
      ),
    }),
    {},
  ),
});

/** OpenClaw's `gateway` settings, resolved by OpenClaw itself; secrets are redacted. */
export type GatewaySettings = v.InferOutput<typeof Gateway>;

/** @throws {v.ValiError} when OpenClaw printed something else than its `gateway` settings */
export function parseGatewaySettings(value: unknown): GatewaySettings {
  return v.parse(Gateway, value ?? {});
}
