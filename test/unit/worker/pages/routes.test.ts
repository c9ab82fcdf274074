/** The pages by the routes that lead to them: the notice, signing out for good, refusals of the object. */
import { describe, expect, test } from "vitest";
import type { SessionView } from "../../../../durable-objects/rpc.ts";
import { awayPage, refreshAfter } from "../../../../worker/pages/away-page.ts";
import { newGateway, NOW, ORIGIN, SESSION } from "../app.ts";

const NAVIGATION = { "sec-fetch-mode": "navigate", accept: "text/html" };
const session: SessionView = {
  person: "a-key",
  provider: "okta",
  issuer: "urn:tidegate:stub",
  email: "bob@example.com",
  name: "Bob",
  role: "user",
  user: "bob@example.com",
  createdAt: NOW,
  lastSeenAt: NOW,
  idleExpiresAt: NOW,
  expiresAt: NOW,
};

function post(body: Record<string, string>, cookie = ""): RequestInit {
  const type = "application/x-www-form-urlencoded";
  return {
    method: "POST",
    headers: { origin: ORIGIN, cookie, "content-type": type },
    body: new URLSearchParams(body).toString(),
  };
}

describe("the first visit", () => {
  test.each([
    [true, "/chat/main", "/_gate/welcome?next=%2Fchat%2Fmain"],
    [true, "/", "/_gate/welcome"],
    [false, "/chat/main", "/chat/main"],
  ])("%s: a sign-in for %s leads to %s", async (notice, next, location) => {
    const gateway = newGateway({}, { notice });
    const response = await gateway.send("/_gate/login", post({ email: "bob@example.com", next }));
    expect([response.status, response.headers.get("location")]).toEqual([303, location]);
  });

  test("its page says who, and who else; its one button is told to the object and leads on", async () => {
    const gateway = newGateway({}, { session });
    const cookie = await gateway.cookie();
    const page = await gateway.send("/_gate/welcome?next=/chat/main", { headers: { ...NAVIGATION, cookie } });
    const text = await page.text();
    expect(text).toContain("bob@example.com");
    expect(text).toContain("they can see its chats and your name");
    expect(text.match(/<button/g)).toHaveLength(1);
    const onward = await gateway.send("/_gate/welcome", post({ next: "/chat/main" }, cookie));
    expect([onward.status, onward.headers.get("location")]).toEqual([303, "/chat/main"]);
    expect(gateway.calls.noticed).toEqual([SESSION]);
  });

  test.each(["//evil.example/", "/_gate/logout", "https://evil.example/", "javascript:alert(1)"])(
    "never leads on to %s",
    async (next) => {
      const gateway = newGateway({}, { session });
      const response = await gateway.send("/_gate/welcome", post({ next }, await gateway.cookie()));
      expect(response.headers.get("location")).toBe("/");
    },
  );

  test("is nobody's without a session, and no object hears of it", async () => {
    const gateway = newGateway();
    for (const init of [{ headers: NAVIGATION }, post({ next: "/" })]) {
      expect((await gateway.send("/_gate/welcome", init)).status).toBe(401);
    }
    expect(gateway.calls.objects).toBe(0);
  });

  test("is not waved through by another site's form", async () => {
    const gateway = newGateway({}, { session });
    const init = post({ next: "/" }, await gateway.cookie());
    const headers = { ...(init.headers as Record<string, string>), origin: "https://evil.example" };
    expect((await gateway.send("/_gate/welcome", { ...init, headers })).status).toBe(403);
    expect(gateway.calls.noticed).toEqual([]);
  });
});

describe("signed out", () => {
  test("what the browser keeps is removed only when asked for", async () => {
    const gateway = newGateway();
    const told = await gateway.send("/_gate/signed-out", { headers: NAVIGATION });
    expect(told.headers.get("clear-site-data")).toBeNull();
    expect(await told.text()).toContain("Is this computer shared?");
    const asked = await gateway.send("/_gate/signed-out", post({}));
    expect(asked.headers.get("clear-site-data")).toBe('"cache", "storage"');
    expect(gateway.calls.objects).toBe(0);
  });

  test("another site cannot have it removed", async () => {
    const gateway = newGateway();
    const response = await gateway.send("/_gate/signed-out", {
      method: "POST",
      headers: { origin: "https://x.example" },
    });
    expect([response.status, response.headers.get("clear-site-data")]).toEqual([403, null]);
  });
});

describe("a refusal of the object's", () => {
  const refuse =
    (status: number, code: string, more: Record<string, string> = {}) =>
    () =>
      Response.json({ title: "Too many <requests>" }, { status, headers: { "x-tidegate-error": code, ...more } });

  test("is a page for a person, with its code and its time to wait, and JSON for everything else", async () => {
    const gateway = newGateway();
    const cookie = await gateway.cookie();
    gateway.answer = refuse(429, "rate_limited", { "retry-after": "7" });
    const page = await gateway.send("/", { headers: { ...NAVIGATION, cookie } });
    const text = await page.text();
    expect([page.status, page.headers.get("x-tidegate-error"), page.headers.get("retry-after")]).toEqual([
      429,
      "rate_limited",
      "7",
    ]);
    expect(text).toContain("Too many &lt;requests&gt;");
    expect(text).toContain('http-equiv="refresh" content="7"');
    const plain = await gateway.send("/api/x", { headers: { "sec-fetch-mode": "cors", cookie } });
    expect(await plain.json()).toEqual({ title: "Too many <requests>" });
  });

  test("that will not pass by itself does not ask again by itself", async () => {
    const gateway = newGateway();
    gateway.answer = refuse(403, "forbidden_by_role");
    const page = await gateway.send("/", { headers: { ...NAVIGATION, cookie: await gateway.cookie() } });
    expect([page.status, await page.text()]).toEqual([403, expect.not.stringContaining("http-equiv")]);
  });

  test("that its computer is away says since when, and asks again by itself", async () => {
    const gateway = newGateway({}, { awaySince: NOW - 11 * 60_000 });
    gateway.answer = refuse(503, "workspace_away", { "retry-after": "2" });
    const page = await gateway.send("/chat/main", { headers: { ...NAVIGATION, cookie: await gateway.cookie() } });
    const text = await page.text();
    expect([page.status, page.headers.get("retry-after")]).toEqual([503, "2"]);
    expect(text).toContain("away for 11 minutes");
    expect(text).toContain('http-equiv="refresh" content="2"');
  });

  test("that its computer has long been away asks seldom, but for a development machine, where that is a start", async () => {
    const around = {
      tenant: "Acme",
      contact: null,
      requestId: "r",
      connected: false,
      since: NOW - 11 * 60_000,
      now: NOW,
    };
    const waits = [false, true].map(async (development) => (await awayPage({ ...around, development })).headers);
    expect((await Promise.all(waits)).map((headers) => headers.get("retry-after"))).toEqual(["30", "2"]);
  });

  test("a connected computer whose assistant is silent is not said to be away", async () => {
    const around = { tenant: "Acme", contact: null, requestId: "r", since: NOW - 1e9, now: NOW, development: false };
    const text = await (await awayPage({ ...around, connected: true })).text();
    expect(text).toContain("Its computer is connected");
    expect(text).not.toMatch(/not connected|away for/);
  });

  test("often at first, seldom later", () => {
    expect([null, 0, 59_999, 60_000, 599_999, 600_000, 1e12].map(refreshAfter)).toEqual([2, 2, 2, 10, 10, 30, 30]);
  });

  test("OpenClaw's own errors pass as they are, also to a person", async () => {
    const gateway = newGateway();
    gateway.answer = () => new Response("OpenClaw's own", { status: 502 });
    const page = await gateway.send("/", { headers: { ...NAVIGATION, cookie: await gateway.cookie() } });
    expect([page.status, await page.text()]).toEqual([502, "OpenClaw's own"]);
  });
});

test("signing out leaves other tabs a cookie that opens nothing: a page says so, no provider and no object is asked", async () => {
  const gateway = newGateway({}, { session });
  const cookie = await gateway.cookie();
  const out = await gateway.send("/_gate/logout", { method: "POST", headers: { origin: ORIGIN, cookie } });
  expect(out.headers.get("set-cookie")).toMatch(/; Max-Age=600; .*HttpOnly/);
  const left = out.headers.get("set-cookie")?.split(";")[0] ?? "";
  expect(left).not.toBe(cookie);
  const before = gateway.calls.objects;
  const page = { "sec-fetch-mode": "navigate", accept: "text/html", cookie: left };
  const rows: [string, string, Record<string, string>, number, string | null][] = [
    ["GET", "/chat/main", page, 302, "/_gate/signed-out"],
    // By a script of the page, and by a person who types the address.
    ["GET", "/chat/main", { ...page, "sec-fetch-site": "same-origin" }, 302, "/_gate/signed-out"],
    ["GET", "/chat/main", { ...page, "sec-fetch-site": "none" }, 302, "/_gate/login?next=%2Fchat%2Fmain"],
    ["HEAD", "/chat/main", { cookie: left }, 200, null],
    ["GET", "/assets/index.js", { cookie: left }, 401, null],
    ["GET", "/control-ui-config.json", { ...page, "sec-fetch-dest": "iframe" }, 401, null],
    ["POST", "/tools/invoke", { origin: ORIGIN, cookie: left }, 401, null],
  ];
  for (const [method, target, headers, status, location] of rows) {
    const response = await gateway.send(target, { method, headers });
    expect([response.status, response.headers.get("location")], `${method} ${target}`).toEqual([status, location]);
  }
  expect(gateway.calls.objects).toBe(before);
  expect(gateway.calls.relayed).toEqual([]);
});
