/** Every page that a person can meet, made from whatever name and text one likes: for tables of tests and for pictures. */
import type { SessionView } from "../../../../durable-objects/rpc.ts";
import { parseConfig } from "../../../../worker/config/parse-config.ts";
import type { Tenant } from "../../../../worker/config/tenant.ts";
import type { Env } from "../../../../worker/env.ts";
import * as account from "../../../../worker/pages/account-pages.ts";
import { awayPage } from "../../../../worker/pages/away-page.ts";
import { problemPage, type Problem } from "../../../../worker/pages/problem-page.ts";
import { renewalPage } from "../../../../worker/pages/renewal-page.ts";
import * as signIn from "../../../../worker/pages/sign-in-pages.ts";
import { PROBLEMS, type ProblemCode } from "../../../../worker/problem.ts";

const NOW = Date.UTC(2026, 10, 23, 9, 30);
const HOUR = 3_600_000;

/** What comes from people, providers and configuration. */
export interface Words {
  tenant: string;
  contact: string;
  notice: string;
  email: string;
  name: string;
  provider: string;
  next: string;
}

export const USUAL: Words = {
  tenant: "Acme assistant",
  contact: "it-help@example.com",
  notice: "Use it for work only. Do not paste customers' data.\nThe rules: intranet, “AI at Acme”.",
  email: "bob@example.com",
  name: "Bob Miller",
  provider: "Example ID",
  next: "/chat/main",
};

type Make = () => Promise<Response>;

export function everyPage(words: Words): Record<string, Make> {
  const { email, name, next } = words;
  const site = siteOf(words);
  const session: SessionView = {
    person: "a-key",
    provider: "okta",
    issuer: "https://id.example",
    email,
    name,
    role: "user",
    user: email,
    createdAt: NOW - HOUR,
    lastSeenAt: NOW,
    idleExpiresAt: NOW + 8 * HOUR,
    expiresAt: NOW + 23 * HOUR,
  };
  const around = {
    tenant: words.tenant,
    contact: words.contact,
    requestId: "0b54cd1e-29d5-4f7e-8d55-0a8e8f3cf0a1",
    next,
  };
  const away = (awayMs: number | null, development: boolean) => () =>
    awayPage({ ...around, connected: false, since: awayMs === null ? null : NOW - awayMs, now: NOW, development });
  const problem = (code: string, more: Omit<Problem, "code">) => () => problemPage({ code, ...more }, around);
  const choices = [
    { label: words.provider, href: "/_gate/login?provider=one" },
    { label: "Microsoft", href: "/_gate/login?provider=two" },
  ];
  const denied = { person: email, label: words.provider, provider: "one", reason: "not_listed" as const };
  const codes = Object.keys(PROBLEMS) as ProblemCode[];
  return {
    welcome: () => account.welcomePage(site, session, next),
    index: () => account.indexPage(site, session),
    chooser: () => signIn.chooserPage(words.tenant, choices, { byDomain: true, unknown: false, next }),
    onward: () => signIn.onwardPage(words.tenant, `/_gate/login?${new URLSearchParams({ login_hint: email })}`),
    denied: () => signIn.deniedPage(site, denied),
    "sign-out": () => account.signOutPage({ name: words.tenant, kind: "workspace" }),
    leaving: () => account.leavingPage(words.tenant, "https://id.example/logout"),
    "signed-out": () => account.signedOutPage(words.tenant),
    cleared: () => account.signedOutPage(words.tenant, true),
    away: away(11 * 60_000, false),
    starting: away(null, true),
    silent: () => awayPage({ ...around, connected: true, since: NOW, now: NOW, development: false }),
    "rate-limited": problem("rate_limited", { status: 429, title: "Too many requests", retryAfterSeconds: 20 }),
    renewed: () => renewalPage(null),
    "not-renewed": () => renewalPage("session_expired"),
    ...Object.fromEntries(codes.map((code) => [code.replaceAll("_", "-"), problem(code, PROBLEMS[code])])),
  };
}

/** A tenant as configuration makes it, with these words. */
function siteOf({ tenant: name, contact, notice }: Words): Tenant {
  const variables = { AUTHSEC_MODE: "stub", ENVIRONMENT: "development", PUBLIC_URL: "http://localhost:8080" };
  const secrets = { SESSION_SECRET: "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA", STUB_USERS: "bob@example.com" };
  const [tenant] = parseConfig({ ...variables, ...secrets } as unknown as Env).tenants;
  if (tenant === undefined) throw new Error("no tenant");
  return { ...tenant, name, contact, notice };
}
