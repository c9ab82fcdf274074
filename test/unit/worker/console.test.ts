/** The console's host: its own cookie, its own routes, and nothing of the assistant's. */
import { describe, expect, test } from "vitest";
import {
  forgetPage,
  overviewPage,
  peoplePage,
  revokeAllPage,
  sessionsPage,
  tokenPage,
} from "../../../worker/console/console-pages.ts";
import { cookieScope } from "../../../worker/cookies/session-cookie.ts";
import { newGateway, NOW, type Parts, SESSION } from "./app.ts";

const CONSOLE = "localhost:8081";
const code = (response: Response) => response.headers.get("x-tidegate-error");

const BOB = "b".repeat(22);
/** The administrator whom the recording object takes every session for, once it knows people. */
const SELF = "s".repeat(22);

function withConsole(parts: Parts = {}) {
  const gateway = newGateway({ CONSOLE_ORIGIN: `http://${CONSOLE}` }, parts);
  const reference = { session: SESSION, shard: 0, expiresAt: NOW / 1000 + 60 };
  const seal = (kind: "workspace" | "console" | "cli") =>
    gateway.cookies.seal(cookieScope({ id: "default", kind }), reference);
  const send = (target: string, init: RequestInit = {}) =>
    gateway.send(target, { ...init, headers: { host: CONSOLE, ...(init.headers as Record<string, string>) } });
  return { gateway, seal, send };
}

const API: [method: string, target: string][] = [
  ["GET", "/api/me"],
  ["GET", "/api/sessions?scope=all"],
  ["DELETE", `/api/sessions/${"h".repeat(43)}`],
  ["GET", "/api/people"],
  ["POST", `/api/people/${"k".repeat(22)}/revoke`],
  ["DELETE", `/api/people/${"k".repeat(22)}`],
  ["POST", "/api/revoke-all"],
  ["GET", "/api/config"],
];

describe("without a session", () => {
  test.each(API)("%s %s is 401, and no object hears of it", async (method, target) => {
    const { gateway, send } = withConsole();
    const response = await send(target, { method, headers: { origin: `http://${CONSOLE}` } });
    expect([response.status, code(response)]).toEqual([401, "unauthenticated"]);
    expect(gateway.calls.objects).toBe(0);
  });

  test("a page leads to sign-in and back", async () => {
    const { send } = withConsole();
    const response = await send("/people?cursor=x", { headers: { "sec-fetch-mode": "navigate" } });
    expect(response.headers.get("location")).toBe("/_gate/login?next=%2Fpeople%3Fcursor%3Dx");
  });
});

describe("a cookie is good for one host", () => {
  test("the assistant's opens nothing at the console, under either name", async () => {
    const { gateway, seal, send } = withConsole();
    const value = await seal("workspace");
    for (const name of ["tidegate-default", "tidegate-default_console"]) {
      expect((await send("/api/me", { headers: { cookie: `${name}=${value}` } })).status).toBe(401);
    }
    expect(gateway.calls.objects).toBe(0);
  });

  test("the console's opens nothing at the assistant's, under either name", async () => {
    const { gateway, seal } = withConsole();
    const value = await seal("console");
    for (const name of ["tidegate-default", "tidegate-default_console"]) {
      expect((await gateway.send("/api/x", { headers: { cookie: `${name}=${value}` } })).status).toBe(401);
    }
    expect(gateway.calls.objects).toBe(0);
  });

  test("a token of the command line is no cookie, and the console's cookie no token", async () => {
    const { gateway, seal, send } = withConsole();
    const [cli, cookie] = [await seal("cli"), await seal("console")];
    expect((await send("/api/me", { headers: { cookie: `tidegate-default_console=${cli}` } })).status).toBe(401);
    expect((await send("/api/me", { headers: { authorization: `Bearer tgc_${cookie}` } })).status).toBe(401);
    expect(gateway.calls.objects).toBe(0);
    await send("/api/me", { headers: { authorization: `Bearer tgc_${cli}` } });
    expect(gateway.calls.objects).toBe(1);
  });
});

test.each(["/", "/sessions", "/api/me", "/assets/index.js"])(
  "on the assistant's host %s is OpenClaw's, whatever the console has there",
  async (target) => {
    const { gateway } = withConsole();
    await gateway.send(target, { headers: { cookie: await gateway.cookie() } });
    expect(gateway.calls.relayed.at(-1)?.call.target).toBe(target);
  },
);

test.each(["/chat/main", "/assets/index.js", "/_gate/tunnel", "/_gate/welcome", "/_gate/backchannel-logout"])(
  "on the console's host there is no %s, and nothing is ever relayed",
  async (target) => {
    const { gateway, seal, send } = withConsole();
    const cookie = `tidegate-default_console=${await seal("console")}`;
    expect((await send(target, { headers: { cookie } })).status).toBe(404);
    expect(gateway.calls.relayed).toEqual([]);
  },
);

test("another site can neither end sessions nor ask for a token", async () => {
  const { gateway, seal, send } = withConsole();
  const cookie = `tidegate-default_console=${await seal("console")}`;
  // The assistant's own pages are another site here: OpenClaw's scripts run there.
  for (const origin of ["http://localhost:8080", "https://evil.example", "null"]) {
    for (const target of ["/cli", "/revoke-all", "/everywhere", "/api/revoke-all", `/people/${BOB}/forget`]) {
      const response = await send(target, { method: "POST", headers: { cookie, origin } });
      expect(code(response)).toBe("foreign_origin");
    }
  }
  expect(gateway.calls.objects).toBe(0);
});

test("the way out here ends all of one's own, at the console's own route", async () => {
  const { send } = withConsole();
  const text = await (await send("/_gate/logout", { headers: { accept: "text/html" } })).text();
  expect([...text.matchAll(/action="([^"]+)"/g)].map(([, action]) => action)).toEqual(["/_gate/logout", "/everywhere"]);
});

test.each(["a", "../x", "x".repeat(65), "%00"])(
  "a handle like %j is refused before the object is asked",
  async (handle) => {
    const { gateway, seal, send } = withConsole();
    const headers = { cookie: `tidegate-default_console=${await seal("console")}`, origin: `http://${CONSOLE}` };
    const response = await send(`/api/sessions/${encodeURIComponent(handle)}`, { method: "DELETE", headers });
    expect([response.status, gateway.calls.objects]).toEqual([400, 0]);
  },
);

describe("forgetting a person", () => {
  const person = { key: BOB, user: "bob@old.example", email: "bob@example.com", name: "Bob", role: "user" as const };
  const listed = { ...person, signedInAt: NOW, openSockets: 1 };
  const at =
    (path: string) =>
    async (init: RequestInit = {}, parts: Parts = {}) => {
      const { gateway, seal, send } = withConsole({ people: [listed], ...parts });
      const cookie = `tidegate-default_console=${await seal("console")}`;
      const response = await send(path, { ...init, headers: { cookie, origin: `http://${CONSOLE}` } });
      return { response, text: await response.text(), forgotten: gateway.calls.forgotten };
    };

  test("is asked about first, in words that say what stays, and changes nothing by that", async () => {
    const { response, text, forgotten } = await at(`/people/${BOB}/forget`)();
    expect([response.status, forgotten]).toEqual([200, []]);
    expect(text).toContain("bob@example.com");
    // The address that the next one may come with is OpenClaw's, not the one in the list.
    expect(text.replaceAll(/\s+/g, " ")).toContain(
      "Whoever signs in as <bdi>bob@old.example</bdi> later gets that profile",
    );
    expect(text).toContain(`<form method="post" action="/people/${BOB}/forget">`);
  });

  test("is done by the form, which leads back to the people", async () => {
    const { response, forgotten } = await at(`/people/${BOB}/forget`)({ method: "POST" });
    expect([response.status, response.headers.get("location"), forgotten]).toEqual([303, "/people", [BOB]]);
  });

  test("is done by the API, with how many sessions ended", async () => {
    const { response, text, forgotten } = await at(`/api/people/${BOB}`)({ method: "DELETE" });
    expect([response.status, text, forgotten]).toEqual([200, '{"sessions":1}', [BOB]]);
  });

  test.each([
    ["GET", `/people/${BOB}/forget`],
    ["POST", `/people/${BOB}/forget`],
    ["DELETE", `/api/people/${BOB}`],
  ])("%s %s of somebody who is not there says so", async (method, path) => {
    const { response } = await at(path)({ method }, { people: [] });
    expect([response.status, code(response)]).toEqual([404, "person_unknown"]);
  });

  test.each([
    ["GET", `/people/${SELF}/forget`],
    ["POST", `/people/${SELF}/forget`],
  ])("%s %s of oneself is refused with a reason, and the list offers it for others only", async (method, path) => {
    const people = [listed, { ...listed, key: SELF }];
    const { response, text, forgotten } = await at(path)({ method }, { people });
    expect([response.status, code(response), forgotten]).toEqual([409, "not_yourself", []]);
    expect(text).toContain("An administrator cannot forget themselves.");
    const list = (await at("/people")({}, { people })).text;
    expect([...list.matchAll(/href="\/people\/([^/]+)\/forget"/g)].map(([, key]) => key)).toEqual([BOB]);
  });

  test.each(["a", "x".repeat(65), "..%2Fsessions"])("the key %j is refused before the object is asked", async (key) => {
    for (const [method, path] of [
      ["GET", `/people/${key}/forget`],
      ["POST", `/people/${key}/forget`],
      ["DELETE", `/api/people/${key}`],
    ] as const) {
      const { gateway, seal, send } = withConsole();
      const cookie = `tidegate-default_console=${await seal("console")}`;
      const response = await send(path, { method, headers: { cookie, origin: `http://${CONSOLE}` } });
      expect([400, 404]).toContain(response.status);
      expect(gateway.calls.objects).toBe(0);
    }
  });
});

test("what people and providers wrote is text on its pages, whatever they wrote", async () => {
  const hostile = `"><script>alert(1)</script><img src=x onerror=alert(1)>'&`;
  const person = { person: "k", email: hostile, name: hostile, role: "admin" as const };
  const actor = { ...person, handle: "h", kind: "console" as const, signedInAt: NOW, expiresAt: NOW };
  const listed = { ...actor, createdAt: NOW, lastSeenAt: NOW, address: hostile, userAgent: hostile, current: false };
  const row = { ...person, key: hostile, user: hostile, signedInAt: NOW, openSockets: 1 };
  const pages = [
    overviewPage(hostile, actor, { items: [listed], next: null }),
    sessionsPage(hostile, actor, { items: [listed], next: hostile }),
    peoplePage(hostile, actor, { items: [row], next: hostile }),
    forgetPage(hostile, row),
    tokenPage(hostile, hostile, NOW),
    revokeAllPage(hostile),
  ];
  for (const response of await Promise.all(pages)) {
    const text = await response.text();
    expect(text).not.toMatch(/<script|<img|javascript:/);
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(text.match(/<h1>/g)).toHaveLength(1);
  }
});

test("without its address there is no console", async () => {
  const gateway = newGateway();
  expect(code(await gateway.send("/api/me", { headers: { host: CONSOLE } }))).toBe("unknown_tenant");
});
