/** GitHub's ways: OAuth 2, no ID token, the person from the user API. */
import { expect, test } from "vitest";
import type { ProviderSettings } from "../../worker/oidc/provider-settings.ts";
import { fromPreset, Visitor } from "./visitor.ts";

const USER = { id: 583231, login: "alice", name: "Alice Smith", email: "public@example.org" };
const EMAILS = [
  { email: "old@example.com", primary: false, verified: true },
  { email: "Alice@Example.com", primary: true, verified: true },
];

function github(answers: Record<string, unknown> = {}) {
  const asked: { url: string; headers: Headers; body: URLSearchParams }[] = [];
  const all: Record<string, unknown> = {
    "https://github.com/login/oauth/access_token": {
      access_token: "gho",
      token_type: "bearer",
      scope: "read:user,user:email",
    },
    "https://api.github.com/user": USER,
    "https://api.github.com/user/emails": EMAILS,
    "https://api.github.com/user/orgs?per_page=100": [{ login: "acme" }],
    ...answers,
  };
  const fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    asked.push({
      url: String(input),
      headers: new Headers(init?.headers),
      body: new URLSearchParams(String(init?.body ?? "")),
    });
    const answer = all[String(input)];
    return answer instanceof Response
      ? answer
      : Response.json(answer ?? {}, { status: answer === undefined ? 404 : 200 });
  };
  return { asked, fetch: fetch as typeof globalThis.fetch };
}

async function signIn(answers: Record<string, unknown> = {}, own: Partial<ProviderSettings> = {}) {
  const cloud = github(answers);
  const clientAuth = { method: "client_secret_post", secret: "secret" } as const;
  const visitor = new Visitor([fromPreset("github", { id: "github", clientId: "Iv1.x", clientAuth, ...own })], {
    fetch: cloud.fetch,
    admit: () => ({ role: "user" }),
  });
  const location = new URL(await visitor.leave("/_gate/login?login_hint=alice"));
  const state = location.searchParams.get("state") ?? "";
  const { code } = await visitor.arrive(`/_gate/callback/github?code=x&state=${state}`);
  return { visitor, cloud, location, code };
}

test("the person is the number that stays, with the primary verified address", async () => {
  const { visitor, cloud, location } = await signIn();
  expect(location.origin + location.pathname).toBe("https://github.com/login/oauth/authorize");
  expect(Object.fromEntries(location.searchParams)).toMatchObject({
    client_id: "Iv1.x",
    code_challenge_method: "S256",
    scope: "read:user user:email",
    login: "alice",
  });
  expect(location.searchParams.has("nonce")).toBe(false);
  expect(visitor.calls.signIns[0]).toMatchObject({
    issuer: "https://github.com",
    subject: "583231",
    email: "alice@example.com",
    name: "Alice Smith",
    groups: [],
  });
  const [token, user] = cloud.asked;
  expect([...(token?.body.keys() ?? [])]).toContain("code_verifier");
  expect([user?.headers.get("authorization"), user?.headers.get("user-agent")]).toEqual(["Bearer gho", "tidegate"]);
});

test("organisations are groups when they are asked for", async () => {
  const { visitor } = await signIn({}, { groupsClaim: "orgs", scopes: ["read:user", "user:email", "read:org"] });
  expect(visitor.calls.signIns[0]?.groups).toEqual(["acme"]);
});

test.each<[string, unknown]>([
  ["unverified", [{ email: "alice@example.com", primary: true, verified: false }]],
  ["not told", new Response("no", { status: 404 })],
  ["not a list", { message: "x" }],
])("an address that is %s is none; the one on the profile never counts", async (_what, emails) => {
  const { visitor } = await signIn({ "https://api.github.com/user/emails": emails });
  expect(visitor.calls.signIns[0]).toMatchObject({ subject: "583231", email: null });
});

test.each<[what: string, answers: Record<string, unknown>, code: string]>([
  [
    "refuses the code, with status 200",
    { "https://github.com/login/oauth/access_token": { error: "bad_verification_code" } },
    "sign_in_invalid",
  ],
  ["gives a user without a number", { "https://api.github.com/user": { login: "alice" } }, "provider_down"],
  ["gives a user whose number is text", { "https://api.github.com/user": { ...USER, id: "583231" } }, "provider_down"],
  ["knows no user", { "https://api.github.com/user": new Response("{}", { status: 401 }) }, "provider_down"],
])("when GitHub %s nobody is signed in", async (_what, answers, code) => {
  const result = await signIn(answers);
  expect([result.code, result.visitor.calls.objects, result.visitor.cookies.size]).toEqual([code, 0, 0]);
});
