import { build } from "esbuild";
import { describe, expect, test } from "vitest";
import { connectRefusal } from "../../../worker/refuse-socket.ts";
import { HOSTILE_TARGETS, REAL_TARGETS } from "../../support/targets.ts";
import { newGateway, NOW, ORIGIN, SECRET, SESSION } from "./app.ts";

const PROBE_LOGIN = "/_gate/login?next=%2Fcontrol-ui-config.json";
const code = (response: Response) => response.headers.get("x-tidegate-error");

describe("a request target", () => {
  test.each(HOSTILE_TARGETS.filter((target) => target.startsWith("/")))(
    "%s is refused and reaches no object, signed in or not",
    async (target) => {
      const gateway = newGateway();
      for (const cookie of ["", await gateway.cookie()]) {
        const response = await gateway.send(target, { method: "POST", headers: { cookie, origin: ORIGIN } });
        expect([response.status, code(response)]).toEqual([400, "bad_target"]);
      }
      expect(gateway.calls.objects).toBe(0);
    },
  );

  test.each(REAL_TARGETS)("%s is relayed byte for byte", async (target) => {
    const gateway = newGateway();
    await gateway.send(target, { headers: { cookie: await gateway.cookie() } });
    expect(gateway.calls.relayed[0]?.call).toMatchObject({ target, session: SESSION, host: "localhost:8080" });
  });

  test.each(["/?access_token=x", "/chat?a=1&PASSWORD=x", "/?jwt=x"])("%s is refused: credentials", async (target) => {
    const gateway = newGateway();
    expect(code(await gateway.send(target, { headers: { cookie: await gateway.cookie() } }))).toBe(
      "credentials_in_query",
    );
  });
});

describe("own routes", () => {
  test.each(["/_gate/x", "/_gate/healthz/x", "/_GATE/login", "/%5Fgate/x", "/_gate%2Flogin", "/%5fgate/healthz"])(
    "%s is 404 of ours, never relayed",
    async (target) => {
      const gateway = newGateway();
      const response = await gateway.send(target, { headers: { cookie: await gateway.cookie() } });
      expect([response.status, code(response)]).toEqual([404, "not_found"]);
      expect(gateway.calls.relayed).toEqual([]);
    },
  );

  test("healthz says one word, readyz says whether an agent is here", async () => {
    const gateway = newGateway();
    expect(await (await gateway.send("/_gate/healthz")).text()).toBe("ok");
    const ready = await gateway.send("/_gate/readyz");
    expect([ready.status, await ready.text()]).toEqual([503, "away"]);
  });
});

describe("where OpenClaw hides people's sessions from each other", () => {
  const navigation = { "sec-fetch-mode": "navigate", accept: "text/html" };

  test.each([
    ["/", navigation, "/new"],
    ["/chat", navigation, "/new"],
    ["/chat/main?x=1", navigation, "/new"],
    ["/new", navigation, null],
    ["/chat/agent:main:dashboard:1", navigation, null],
    ["/chat/main/", navigation, null],
    ["/", { "sec-fetch-mode": "cors" }, null],
    ["/", { upgrade: "websocket", "sec-fetch-mode": "websocket", origin: ORIGIN }, null],
  ])("%s, asked as %o, leads to %s", async (target, headers, location) => {
    const gateway = newGateway({ OWN_SESSIONS: "true" });
    const cookie = await gateway.cookie();
    const response = await gateway.send(target, { headers: { ...(headers as Record<string, string>), cookie } });
    expect(response.headers.get("location")).toBe(location);
    expect(gateway.calls.relayed).toHaveLength(location === null ? 1 : 0);
  });

  test("nobody is led there before sign-in, and where sessions are shared nobody at all", async () => {
    const apart = await newGateway({ OWN_SESSIONS: "true" }).send("/", { headers: navigation });
    expect(apart.headers.get("location")).toBe("/_gate/login?next=%2F");
    const gateway = newGateway();
    await gateway.send("/", { headers: { ...navigation, cookie: await gateway.cookie() } });
    expect(gateway.calls.relayed).toHaveLength(1);
  });
});

describe("a service worker", () => {
  const asked = (target: string) => ({
    target,
    headers: { "service-worker": "script", "sec-fetch-dest": "serviceworker" },
  });

  test.each(["/sw.js", "/sw.js?v=build", "/openclaw/sw.js"])("of OpenClaw's own at %s is relayed", async (path) => {
    const gateway = newGateway();
    const { target, headers } = asked(path);
    await gateway.send(target, { headers: { ...headers, cookie: await gateway.cookie() } });
    expect(gateway.calls.relayed[0]?.call).toMatchObject({ target });
  });

  test.each(["/api/media/evil.js", "/a/b/sw.js", "/SW.js", "/sw.js/x", "/_gate/sw", "/_gate/login", "/x?/sw.js"])(
    "anywhere else is refused: %s",
    async (path) => {
      const gateway = newGateway();
      const { target, headers } = asked(path);
      const response = await gateway.send(target, { headers: { ...headers, cookie: await gateway.cookie() } });
      expect([response.status, code(response)]).toEqual([403, "service_worker_refused"]);
      expect(gateway.calls.objects).toBe(0);
    },
  );
});

describe("nobody signed in", () => {
  const navigation = { "sec-fetch-mode": "navigate", accept: "text/html" };

  test.each([
    ["GET", "/chat/main?session=a", navigation, 302, "/_gate/login?next=%2Fchat%2Fmain%3Fsession%3Da"],
    ["GET", "/chat?openclaw_mount_recovery=1", navigation, 302, "/_gate/login?next=%2Fchat"],
    ["GET", "/assets/index.js", { "sec-fetch-mode": "no-cors" }, 401, null],
    ["GET", "/control-ui-config.json", { "sec-fetch-mode": "cors" }, 401, null],
    ["HEAD", "/control-ui-config.json", {}, 302, "/_gate/login?next=%2F"],
    ["GET", "/control-ui-config.json", { ...navigation, "sec-fetch-dest": "iframe" }, 302, "/_gate/login/renewal"],
    ["GET", "/x/control-ui-config.json", { ...navigation, "sec-fetch-dest": "iframe" }, 302, "/_gate/login/renewal"],
    ["GET", "/chat/main", { ...navigation, "sec-fetch-dest": "iframe" }, 401, null],
    ["GET", "/control-ui-config.json", { ...navigation, "sec-fetch-dest": "document" }, 302, PROBE_LOGIN],
    ["GET", "/chat/main", { ...navigation, "sec-fetch-dest": "object" }, 401, null],
    ["HEAD", "/openclaw/control-ui-config.json", {}, 302, "/_gate/login?next=%2F"],
    ["HEAD", "/chat/main", {}, 200, null],
    ["HEAD", "/assets/index.js", {}, 401, null],
    ["POST", "/tools/invoke", { origin: ORIGIN }, 401, null],
    ["GET", "/", { upgrade: "websocket" }, 401, null],
  ])("%s %s is answered %o", async (method, target, headers, status, location) => {
    const gateway = newGateway();
    const response = await gateway.send(target, { method, headers: headers as Record<string, string> });
    expect([response.status, response.headers.get("location")]).toEqual([status, location]);
    expect(gateway.calls.objects).toBe(0);
    if (status !== 302) expect(response.headers.get("cache-control")).toBe("no-store");
  });

  test("no answer is ever a page with status 200", async () => {
    const gateway = newGateway();
    const response = await gateway.send("/assets/app.js", {
      headers: { accept: "text/html", "sec-fetch-mode": "cors" },
    });
    expect(response.headers.get("content-type")).toBe("application/problem+json");
  });

  test.each(["session_expired", "session_unknown"])(
    "a session that the object calls %s leads to sign-in",
    async (ended) => {
      const gateway = newGateway();
      gateway.answer = () => new Response(null, { status: 401, headers: { "x-tidegate-error": ended } });
      const response = await gateway.send("/", { headers: { ...navigation, cookie: await gateway.cookie() } });
      expect(response.status).toBe(302);
    },
  );

  test("a session that was revoked is told so on a page, and is not sent to a provider that would have it back", async () => {
    const gateway = newGateway();
    gateway.answer = () => new Response(null, { status: 401, headers: { "x-tidegate-error": "session_revoked" } });
    const headers = { ...navigation, cookie: await gateway.cookie() };
    const response = await gateway.send("/chat/main", { headers });
    expect([response.status, code(response)]).toEqual([401, "session_revoked"]);
    expect(await response.text()).toContain('href="/_gate/login?next=%2Fchat%2Fmain"');
  });

  test("an expired cookie counts as none, without asking the object", async () => {
    const gateway = newGateway();
    const cookie = await gateway.cookie(NOW / 1000 - 1);
    expect((await gateway.send("/assets/a.js", { headers: { cookie } })).status).toBe(401);
    expect(gateway.calls.objects).toBe(0);
  });

  test("the UI's connect is told to reload, or to stop", () => {
    const frame = JSON.stringify({ type: "req", id: "7", method: "connect" });
    expect(connectRefusal(frame, "expired", 1)).toContain('"reloadRequired":true');
    expect(connectRefusal(frame, "revoked", 1)).toContain("AUTH_IDENTITY_HEADER_REQUIRED");
    const away = JSON.parse(connectRefusal(frame, "away", 1) ?? "null");
    expect(away).toMatchObject({ ok: false, error: { code: "UNAVAILABLE", details: { reason: "startup-sidecars" } } });
    const untold = JSON.parse(connectRefusal(frame, "untold", 1) ?? "null");
    expect(untold).toMatchObject({
      ok: false,
      error: { code: "UNAVAILABLE", retryable: true, details: { code: "AUTHENTICATED_PROFILE_UNAVAILABLE" } },
    });
    for (const hostile of ["", "{", "[]", "null", '{"type":"req"}', '{"type":"res","id":"1"}']) {
      expect(connectRefusal(hostile, "expired", 1)).toBeUndefined();
    }
  });

  test("each session's end is told under a build of its own: the UI reloads once for each, and remembers it", () => {
    const frame = JSON.stringify({ type: "req", id: "7", method: "connect" });
    const builds = [1_800_000_000, 1_800_000_060].map(
      (session) => JSON.parse(connectRefusal(frame, "expired", session) ?? "").error.details.gatewayBuildId as string,
    );
    expect(new Set(builds).size).toBe(2);
    // What the UI takes seriously (facts/openclaw section 7).
    for (const build of builds) expect(build.length).toBeLessThanOrEqual(96);
  });
});

describe("another site", () => {
  test.each([
    undefined,
    "null",
    "http://localhost:8081",
    "https://localhost:8080",
    "http://a.localhost:8080",
    "http://LOCALHOST:8080",
  ])("with Origin %s can neither write nor upgrade", async (origin) => {
    const gateway = newGateway();
    const headers: Record<string, string> = { cookie: await gateway.cookie(), ...(origin ? { origin } : {}) };
    expect(code(await gateway.send("/tools/invoke", { method: "POST", headers }))).toBe("foreign_origin");
    expect(code(await gateway.send("/_gate/logout", { method: "POST", headers }))).toBe("foreign_origin");
    expect(code(await gateway.send("/", { headers: { ...headers, upgrade: "websocket" } }))).toBe("foreign_origin");
    expect(gateway.calls.objects).toBe(0);
  });

  test("under another host name finds nothing", async () => {
    const gateway = newGateway();
    expect(code(await gateway.send("/_gate/login", { headers: { host: "evil.example" } }))).toBe("unknown_tenant");
  });
});

test("only listed headers of the client reach the object, and no cookie of ours", async () => {
  const gateway = newGateway();
  const cookie = `${await gateway.cookie()}; __Host-tidegate-default=x; grant=1`;
  await gateway.send("/", {
    headers: {
      cookie,
      accept: "text/html",
      authorization: "Bearer x",
      "x-forwarded-user": "evil@example.com",
      x_forwarded_user: "evil@example.com",
      "x-openclaw-scopes": "operator.admin",
      "cf-access-jwt-assertion": "x",
      "x-tidegate-agent": "{}",
      forwarded: "for=127.0.0.1",
    },
  });
  const names = [...(gateway.calls.relayed[0]?.headers.keys() ?? [])].sort();
  expect(names).toEqual(["accept", "cookie", "x-tidegate-relay", "x-tidegate-settings"]);
  expect(gateway.calls.relayed[0]?.headers.get("cookie")).toBe("grant=1");
});

describe("signing in", () => {
  const post = (body: Record<string, string>, cookie = "") => ({
    method: "POST",
    headers: { origin: ORIGIN, cookie, "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams(body).toString(),
  });

  test("sets a cookie that only the browser's own requests can use, and goes back", async () => {
    const gateway = newGateway();
    const response = await gateway.send("/_gate/login", post({ email: "alice@example.com", next: "/chat/main" }));
    expect([response.status, response.headers.get("location")]).toEqual([303, "/chat/main"]);
    expect(response.headers.get("set-cookie")).toMatch(/^tidegate-default=[\w-]+; Path=\/; .*HttpOnly; SameSite=Lax$/);
    expect(gateway.calls.signIns[0]).toMatchObject({ email: "alice@example.com", role: "admin", replaces: null });
  });

  test("names the session it replaces", async () => {
    const gateway = newGateway();
    await gateway.send("/_gate/login", post({ email: "bob@example.com" }, await gateway.cookie()));
    expect(gateway.calls.signIns[0]).toMatchObject({ replaces: SESSION });
  });

  test.each([
    "//evil.example/",
    "https://evil.example/",
    "/_gate/logout",
    "/\\evil.example",
    "javascript:alert(1)",
    "/a\r\nb",
  ])("never leads to %s", async (next) => {
    const gateway = newGateway();
    const response = await gateway.send("/_gate/login", post({ email: "bob@example.com", next }));
    expect(response.headers.get("location")).toBe("/");
  });

  test("as somebody who is not listed is refused", async () => {
    const gateway = newGateway();
    expect(code(await gateway.send("/_gate/login", post({ email: "eve@example.com" })))).toBe("not_allowed");
    expect(gateway.calls.objects).toBe(0);
  });

  test("and out ends the session at the object and at the browser", async () => {
    const gateway = newGateway();
    const cookie = await gateway.cookie();
    const response = await gateway.send("/_gate/logout", { method: "POST", headers: { origin: ORIGIN, cookie } });
    expect(gateway.calls.ended).toEqual([SESSION]);
    expect(response.headers.get("set-cookie")).toContain("Max-Age=0");
  });
});

test("the deployed bundle holds nothing of the stub, and refuses its mode", async () => {
  const bundle = async (entry: string) => {
    const { outputFiles } = await build({ entryPoints: [entry], bundle: true, write: false, format: "esm" });
    return outputFiles[0]?.text ?? "";
  };
  const deployed = await bundle("worker/index.ts");
  expect(await bundle("worker/index.stub.ts")).toMatch(/urn:tidegate:stub/);
  expect(deployed).not.toMatch(/anyone on this computer|urn:tidegate:stub/);
  const script = (await import(`data:text/javascript,${encodeURIComponent(deployed)}`)) as {
    default: { fetch(request: Request, env: unknown): Response | Promise<Response> };
  };
  const env = { AUTHSEC_MODE: "stub", ENVIRONMENT: "development", PUBLIC_URL: ORIGIN, SESSION_SECRET: SECRET };
  const response = await script.default.fetch(new Request(`${ORIGIN}/_gate/login`), env);
  expect([response.status, code(response)]).toEqual([500, "config_invalid"]);
});
