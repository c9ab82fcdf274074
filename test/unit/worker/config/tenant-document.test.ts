import { describe, expect, test } from "vitest";
import { checkConfig } from "../../../../worker/config/parse-config.ts";
import { isRecord } from "../../../../worker/config/schema.ts";
import { AGENT_KEY, CLIENT_SECRET, GUID, many, tenantsFile } from "./documents.ts";

/** Sets `tenants[0].name` and the like to a value, or with undefined takes it out. */
function spoil(file: unknown, place: string, value: unknown): void {
  const steps = place.split(/[.[\]]+/).filter((step) => step !== "");
  const last = steps.pop() ?? "";
  let at = file as Record<string, unknown>;
  for (const step of steps) at = at[step] as Record<string, unknown>;
  if (value === undefined) delete at[last];
  else at[last] = value;
}

function problemsOf(...spoilt: [place: string, value: unknown][]): string[] {
  const file = tenantsFile();
  for (const [place, value] of spoilt) spoil(file, place, value);
  const { problems } = checkConfig(many, file);
  return problems.map(({ name, expected }) => `${name.replace("config/tenants.json ", "")}: ${expected}`);
}

test("the sample uses every field and is good", () => {
  expect(problemsOf()).toEqual([]);
});

describe("each slip is told at its place", () => {
  const acme = "tenants[0]";
  const okta = `${acme}.providers[0]`;
  const entra = `${acme}.providers[1]`;
  test.each<[place: string, value: unknown, expected: string, at?: string, count?: number]>([
    [`${acme}.id`, undefined, "1 to 63 lower-case letters"],
    [`${acme}.id`, "Acme", "1 to 63 lower-case letters"],
    [`${acme}.id`, "beta", "an id that no other tenant has", "tenants[1].id"],
    [`${acme}.hosts`, [], "a list of at most 20"],
    [`${acme}.hosts`, "acme.example.com", "a list of at most 20"],
    [`${acme}.hosts[0]`, "https://acme.example.com", "a host name"],
    [`${acme}.hosts[0]`, "ACME.example.com", "a host name"],
    [`${acme}.hosts[0]`, "*.example.com", "a host name"],
    [`${acme}.hosts[0]`, "acme.example.com.", "a host name"],
    [`${acme}.hosts[1]`, "acme.example.com", "each host once"],
    [`${acme}.hosts[0]`, "beta.example.com", "a host that no other tenant has", "tenants[1].hosts[0]"],
    [`${acme}.basePath`, "acme", "empty, or one segment"],
    [`${acme}.sessions`, [], "an object"],
    [`${acme}.limits`, [null], "an object"],
    [`${acme}.limits`, { messages: { burst: 2_001 } }, "at most ten times perSecond", `${acme}.limits.messages.burst`],
    [`${acme}.basePath`, "/a/../b", "empty, or one segment"],
    [`${acme}.sharedOrigin`, "yes", "true or false"],
    [`${acme}.name`, "", "a text of at most 64", ""],
    [`${acme}.name`, "a\u202eb", "a text of at most 64"],
    [`${acme}.notice`, "a\0b", "a text of at most 500"],
    [`${acme}.nmae`, "x", "is not a known name; did you mean name?"],
    [`${acme}.jurisdiction`, "eu", "is not a known name"],
    [`${acme}.allow`, "everyone", "an object"],
    [`${acme}.allow.everyone`, true, "is not a known name"],
    [`${acme}.allow.emails`, "a@example.com", "a list of at most 1000"],
    [`${acme}.allow.emails[0]`, "mailto:x@partner.example", "one e-mail address"],
    [`${acme}.allow.domains[0]`, "*.acme.example", "a domain such as"],
    [`${acme}.allow.groups[0]`, "claw", "the provider whose word counts"],
    [`${acme}.allow.groups[0]`, { group: "claw" }, "a group's name or id"],
    [`${acme}.allow.groups[0].provider`, "okta", "the id of one of the tenant's providers"],
    [`${acme}.allow.claims[0].provider`, undefined, "the provider whose word counts", `${acme}.allow.claims[0]`],
    [`${acme}.allow.claims[0].claim`, "email", "the name of a claim that people cannot write themselves"],
    [`${acme}.allow.claims[0].claim`, "preferred_username", "the name of a claim that people cannot write themselves"],
    [`${acme}.allow.claims[0].value`, 1, "a text of 1 to 256"],
    [`${acme}.allow.claims[0].value`, "", "a text of 1 to 256"],
    [`${acme}.admins.emails[0]`, "root", "one e-mail address"],
    [`${acme}.roles[0].role`, "owner", "one of viewer, user, approver, admin"],
    [`${acme}.agents[0].publicKey`, AGENT_KEY.slice(1), "a raw Ed25519 public key"],
    [`${acme}.agents[1]`, { id: "agent-one", publicKey: AGENT_KEY }, "each agent once", `${acme}.agents[1].id`],
    [`${acme}.sessions.idleSeconds`, 1, "a whole number of seconds, 300 to 2592000"],
    [`${acme}.sessions.idleSeconds`, "3600", "a whole number of seconds"],
    [`${acme}.sessions.roles.root`, {}, "is not a known name"],
    [`${acme}.limits.requests.burst`, 0, "a whole number of tokens"],
    [`${acme}.policy[0].class`, "all", "one of ui, gateway"],
    [`${acme}.shards`, 1.5, "a whole number of shards"],
    [`${okta}.preset`, "octa", "one of google, entra"],
    [`${okta}.id`, "Staff/..", "1 to 32 lower-case letters"],
    [`${okta}.id`, "entra", "an id that no other provider of the tenant has", `${entra}.id`, 3],
    [`${okta}.issuer`, "https://acme.okta.com/", "no slash at the end: Okta spells it without"],
    [`${okta}.issuer`, undefined, "the issuer's address"],
    [`${okta}.clientSecret`, CLIENT_SECRET, "the name of a secret"],
    [`${okta}.clientSecret`, "SESSION_SECRET", "the name of a secret"],
    [`${okta}.clientSecret`, "STORAGE_KEY", "the name of a secret"],
    [`${okta}.clientSecret`, undefined, "the name of a secret, here or in privateKey"],
    [`${okta}.clientSecret`, "NOT_THERE_SECRET", "the client secret that the provider gave", "NOT_THERE_SECRET"],
    [
      `${okta}.privateKey`,
      "BETA_KEY",
      "the name of a secret, here or in privateKey, and not in both",
      `${okta}.clientSecret`,
    ],
    [`${okta}.scopes`, ["email"], "openid among the scopes"],
    [`${okta}.algorithms`, [], "at least one algorithm"],
    [`${okta}.algorithms[0]`, "none", "one of RS256"],
    [`${okta}.algorithms[0]`, "HS256", "one of RS256"],
    [`${okta}.entraTenants`, [GUID], "nothing: only Entra's"],
    [`${okta}.emailDomains`, undefined, "the domains that this provider may speak for"],
    [`${okta}.prompt`, "none", "login, select_account"],
    [`${okta}.maxAgeSeconds`, -1, "a whole number of seconds"],
    [`${okta}.claimHosts[0]`, "https://graph.example.com", "a host name"],
    [`${okta}.claimHosts[0]`, "127.0.0.1", "a host name"],
    [`${okta}.clientsecret`, "X_SECRET", "is not a known name; did you mean clientSecret?"],
    [`${entra}.entraTenants`, undefined, "the ids of the directories"],
    [`${entra}.entraTenants`, [], "the ids of the directories"],
    [`${entra}.entraTenants[0]`, "acme.onmicrosoft.com", "a directory (tenant) id"],
    ["tenants[1].providers", [], "at least one provider"],
  ])("%s = %j", (place, value, expected, at = place, count = 1) => {
    const told = problemsOf([place, value]);
    if (at === "") return expect(told).toEqual([]);
    expect(told).toHaveLength(count);
    expect(told[0]?.slice(0, at.length + 2 + expected.length)).toBe(`${at}: ${expected}`);
  });
});

test("many slips are told together, also several unknown names in one object", () => {
  const told = problemsOf(
    ["tenants[0].id", "A"],
    ["tenants[0].x", 1],
    ["tenants[0].y", 1],
    ["tenants[0].providers[0].issuer", "http://acme.okta.com"],
    ["tenants[0].providers[0].oops", 1],
    ["tenants[0].providers[1].clientSecret", "GONE_SECRET"],
    ["tenants[0].allow.emails[0]", "x"],
    ["tenants[1].hosts[0]", "acme.example.com"],
  );
  expect(told.map((line) => line.slice(0, line.indexOf(": "))).toSorted()).toEqual([
    "GONE_SECRET",
    "tenants[0].allow.emails[0]",
    "tenants[0].id",
    "tenants[0].providers[0].issuer",
    "tenants[0].providers[0].oops",
    "tenants[0].x",
    "tenants[0].y",
    "tenants[1].hosts[0]",
  ]);
});

test("tenants on one host must both say so, and share their admins", () => {
  const told = problemsOf(["tenants[1].hosts[0]", "acme.example.com"], ["tenants[1].basePath", "/beta"]);
  expect(told).toEqual([
    "tenants[0].sharedOrigin: true, because another tenant has the same host",
    "tenants[1].sharedOrigin: true, because another tenant has the same host",
    "tenants[1].admins: the same admins as the other tenant on this host: they share an origin",
  ]);
});

test.each([
  [null],
  [[]],
  ["text"],
  [{}],
  [{ tenants: {} }],
  [{ tenants: Array.from({ length: 101 }, () => ({})) }],
  [{ tenants: [], extra: 1 }],
])("a file that is no list of tenants is told: %j", (file) => {
  const { problems } = checkConfig(many, file);
  expect(problems.some(({ name }) => name === "config/tenants.json")).toBe(true);
});

test.each([null, 1, "text", [], [[]], true])("a tenant that is %j is told", (raw) => {
  const { problems } = checkConfig(many, { tenants: [raw] });
  expect(problems[0]?.name).toMatch(/^config\/tenants\.json tenants\[0\]/);
  expect(isRecord(raw)).toBe(false);
});
