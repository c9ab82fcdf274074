/** What the tenant document says to its object, and what holds until it has said something. */
import type { Role } from "#protocol/identity.ts";
import type { RouteClass } from "#protocol/request-target.ts";

/** Tokens at once, and in the long run. */
export interface Rate {
  burst: number;
  perSecond: number;
}

/** `signIns…` are those that a provider has vouched for; whoever is stopped there keeps the sessions they have. */
export type LimitName = "requests" | "upgrades" | "messages" | "signInsOfAddress" | "signInsOfPerson";

export interface Lifetime {
  idleSeconds: number;
  absoluteSeconds: number;
}

export interface TenantSettings {
  lifetimes: Record<Role, Lifetime>;
  limits: Record<LimitName, Rate> & { socketsPerPerson: number; bodyBytes: number };
  /** Who may use a route class, instead of the built-in table. */
  policy: { class: RouteClass; roles: Role[] }[];
  /** What OpenClaw is told of where people are. */
  clientAddress: "full" | "masked";
}

const LIFETIME: Lifetime = { idleSeconds: 28_800, absoluteSeconds: 86_400 };

/** The tenant document's own defaults: what holds until the first call. */
export const DEFAULT_SETTINGS: TenantSettings = {
  lifetimes: { viewer: LIFETIME, user: LIFETIME, approver: LIFETIME, admin: LIFETIME },
  limits: {
    requests: { burst: 600, perSecond: 100 },
    upgrades: { burst: 40, perSecond: 5 },
    messages: { burst: 1000, perSecond: 200 },
    signInsOfAddress: { burst: 40, perSecond: 4 },
    signInsOfPerson: { burst: 10, perSecond: 1 },
    socketsPerPerson: 50,
    bodyBytes: 104_857_600,
  },
  policy: [],
  clientAddress: "full",
};
