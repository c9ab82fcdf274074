/** Agents' calls: nothing reaches the object before a signature has been verified, and every refusal has its own code. */
import { beforeAll, describe, expect, test } from "vitest";
import { AgentPasses } from "../../../worker/agents/agent-pass.ts";
import { fromBase64Url, toBase64Url } from "../../../worker/cookies/base64url.ts";
import { TestKey } from "./agent-key.ts";
import { newGateway, NOW, ORIGIN, SECRET } from "./app.ts";

const CONSOLE = { CONSOLE_ORIGIN: "http://localhost:8081" };
const INTRODUCTION = { name: "studio", openclaw: "2026.9.6", version: "0.1.0" };
const AGENT = "agent-0001";
const code = (response: Response) => response.headers.get("x-tidegate-error");

function start(parts: Parameters<typeof newGateway>[1] = {}, vars: Record<string, string> = CONSOLE) {
  const gateway = newGateway(vars, parts);
  const post = (path: string, body: string, authorization: string) =>
    gateway.send(path, { method: "POST", body, headers: { origin: ORIGIN, authorization } });
  return { gateway, post };
}

async function requestOf(key: TestKey, { post }: ReturnType<typeof start>): Promise<{ request: string; link: string }> {
  const body = JSON.stringify(INTRODUCTION);
  const response = await post("/_gate/device", body, await key.call({ method: "POST", path: "/_gate/device", body }));
  expect(response.status).toBe(200);
  return (await response.json()) as { request: string; link: string };
}

describe("a key asks to be let in", () => {
  test("it gets a link to the console, and no object was asked", async () => {
    const started = start();
    const { link, request } = await requestOf(await TestKey.make(), started);
    expect(link).toBe(`http://localhost:8081/device?request=${request}`);
    expect(link.length).toBeLessThan(600);
    expect(started.gateway.calls.objects).toBe(0);
  });

  test("until somebody has decided it hears that it has to wait", async () => {
    const started = start();
    const key = await TestKey.make();
    const { request } = await requestOf(key, started);
    const path = "/_gate/device/token";
    const body = JSON.stringify({ request });
    const response = await started.post(path, body, await key.call({ method: "POST", path, body }));
    expect([response.status, code(response)]).toEqual([400, "enrolment_pending"]);
    expect(started.gateway.calls.objects).toBe(1);
  });

  test.each<[what: string, expected: string, change: (key: TestKey, body: string) => Promise<[string, string]>]>([
    [
      "another key's signature",
      "agent_refused",
      async (key, body) => [body, await (await TestKey.make()).call(at(body), { agent: key.publicKey })],
    ],
    ["another body than was signed", "agent_refused", async (key, body) => [`${body} `, await key.call(at(body))]],
    [
      "another path",
      "agent_refused",
      async (key, body) => [body, await key.call({ ...at(body), path: "/_gate/device/token" })],
    ],
    ["another host", "agent_refused", async (key, body) => [body, await key.call(at(body), { host: "evil.example" })]],
    [
      "a clock that is off",
      "clock_off",
      async (key, body) => [body, await key.call(at(body), { seconds: NOW / 1000 - 90 })],
    ],
    ["no signature", "agent_refused", async (_key, body) => [body, "Tidegate"]],
    ["a bearer token", "agent_refused", async (_key, body) => [body, "Bearer abc"]],
    ["no name", "bad_input", async (key) => signed(key, { ...INTRODUCTION, name: " " })],
    ["a name of two lines", "bad_input", async (key) => signed(key, { ...INTRODUCTION, name: "a\nb" })],
    ["a long name", "bad_input", async (key) => signed(key, { ...INTRODUCTION, name: "a".repeat(65) })],
    ["a name with direction marks", "bad_input", async (key) => signed(key, { ...INTRODUCTION, name: "a\u202eb" })],
    ["no object", "bad_input", async (key) => signed(key, [])],
  ])("%s: %s, and no object is asked", async (_what, expected, change) => {
    const { gateway, post } = start();
    const [body, authorization] = await change(await TestKey.make(), JSON.stringify(INTRODUCTION));
    expect(code(await post("/_gate/device", body, authorization))).toBe(expected);
    expect(gateway.calls.objects).toBe(0);
  });

  test("where there is no console it is told so", async () => {
    const { post } = start({}, {});
    const body = JSON.stringify(INTRODUCTION);
    expect(code(await post("/_gate/device", body, await (await TestKey.make()).call(at(body))))).toBe("no_console");
  });

  test.each([
    ["another key's request", (request: string) => request, true],
    ["a request that nobody made", () => "AAAA", false],
    ["half of a request", (request: string) => request.slice(0, -4), false],
  ])("%s is refused without asking an object", async (_what, change, otherKey) => {
    const started = start();
    const key = await TestKey.make();
    const { request } = await requestOf(key, started);
    const path = "/_gate/device/token";
    const body = JSON.stringify({ request: change(request) });
    const response = await started.post(
      path,
      body,
      await (otherKey ? await TestKey.make() : key).call({ method: "POST", path, body }),
    );
    expect([code(response), started.gateway.calls.objects]).toEqual(["enrolment_expired", 0]);
  });

  test("a request is over after ten minutes", async () => {
    let now = NOW;
    const started = start({ now: () => now });
    const key = await TestKey.make();
    const { request } = await requestOf(key, started);
    now += 600_000;
    const path = "/_gate/device/token";
    const body = JSON.stringify({ request });
    const response = await started.post(
      path,
      body,
      await key.call({ method: "POST", path, body }, { seconds: now / 1000 }),
    );
    expect(code(response)).toBe("enrolment_expired");
  });

  test("whoever asks all the time reaches the object once in two and a half seconds", async () => {
    let now = NOW;
    const started = start({ now: () => now });
    const key = await TestKey.make();
    const { request } = await requestOf(key, started);
    const path = "/_gate/device/token";
    const body = JSON.stringify({ request });
    for (let sent = 0; sent < 500; sent++) {
      now += 200;
      await started.post(
        path,
        body,
        await key.call({ method: "POST", path, body }, { seconds: Math.floor(now / 1000) }),
      );
    }
    expect(started.gateway.calls.objects).toBeLessThanOrEqual(10 + 100 * 0.4 + 1);
  });

  test.each(["tge_", "tge_AAAA", "AAAA", `tge_${"A".repeat(400)}`])(
    "the token %s is refused without asking",
    async (token) => {
      const { gateway, post } = start();
      const path = "/_gate/device/token";
      const body = JSON.stringify({ token, introduction: INTRODUCTION });
      const response = await post(path, body, await (await TestKey.make()).call({ method: "POST", path, body }));
      expect([code(response), gateway.calls.objects]).toEqual(["token_used", 0]);
    },
  );

  test("a token reaches the object, which says whether it is still good", async () => {
    const { gateway, post } = start();
    const token = await gateway.agents.tokens.seal("default", { id: "an-id", expiresAt: NOW + 1 });
    const path = "/_gate/device/token";
    const body = JSON.stringify({ token, introduction: INTRODUCTION });
    const response = await post(path, body, await (await TestKey.make()).call({ method: "POST", path, body }));
    expect([code(response), gateway.calls.objects]).toEqual(["token_used", 1]);
    const late = await gateway.agents.tokens.seal("default", { id: "an-id", expiresAt: NOW });
    const over = JSON.stringify({ token: late, introduction: INTRODUCTION });
    await post(path, over, await (await TestKey.make()).call({ method: "POST", path, body: over }));
    expect(gateway.calls.objects).toBe(1);
  });
});

describe("an enrolled key", () => {
  const upgrade = (gateway: ReturnType<typeof newGateway>, authorization: string) =>
    gateway.send("/_gate/tunnel", {
      headers: { upgrade: "websocket", "sec-websocket-protocol": "tidegate.v1", authorization },
    });

  test("comes to the object with its pass, which says that nobody configured it", async () => {
    const { gateway } = start();
    const key = await TestKey.make();
    const pass = await gateway.agents.passes.make("default", AGENT, key.publicKey);
    await upgrade(gateway, await key.upgrade(AGENT, { pass }));
    expect(gateway.calls.objects).toBe(1);
    const call = JSON.parse(gateway.calls.relayed[0]?.headers.get("x-tidegate-agent") ?? "{}");
    expect(call).toMatchObject({ agent: AGENT, publicKey: key.publicKey, configured: false });
  });

  let key: TestKey;
  beforeAll(async () => {
    key = await TestKey.make();
  });
  test.each<[what: string, expected: string, make: (passes: AgentPasses) => Promise<string>]>([
    ["no pass", "agent_refused", async () => await key.upgrade(AGENT)],
    [
      "another agent's pass",
      "agent_refused",
      async (passes) => await key.upgrade(AGENT, { pass: await passes.make("default", "agent-0002", key.publicKey) }),
    ],
    [
      "another tenant's pass",
      "agent_refused",
      async (passes) => await key.upgrade(AGENT, { pass: await passes.make("other", AGENT, key.publicKey) }),
    ],
    [
      "a pass of a secret that is gone",
      "agent_refused",
      async () =>
        await key.upgrade(AGENT, {
          pass: await new AgentPasses(["x".repeat(43)]).make("default", AGENT, key.publicKey),
        }),
    ],
    [
      "another key than the pass names",
      "agent_refused",
      async (passes) =>
        await (await TestKey.make()).upgrade(AGENT, { pass: await passes.make("default", AGENT, key.publicKey) }),
    ],
    [
      "a clock that is off",
      "clock_off",
      async (passes) =>
        await key.upgrade(AGENT, {
          pass: await passes.make("default", AGENT, key.publicKey),
          seconds: NOW / 1000 + 61,
        }),
    ],
    [
      "a signature for a call",
      "agent_refused",
      async (passes) =>
        await key.call(
          { path: "/_gate/tunnel" },
          { agent: AGENT, pass: await passes.make("default", AGENT, key.publicKey) },
        ),
    ],
  ])("with %s: %s, and no object is asked", async (_what, expected, make) => {
    const { gateway } = start();
    expect(code(await upgrade(gateway, await make(gateway.agents.passes)))).toBe(expected);
    expect(gateway.calls.objects).toBe(0);
  });

  test("flipping any bit of a pass ends it", async () => {
    const passes = new AgentPasses([SECRET]);
    const pass = fromBase64Url(await passes.make("default", AGENT, key.publicKey)) ?? new Uint8Array();
    for (let bit = 0; bit < pass.byteLength * 8; bit++) {
      const bent = Uint8Array.from(pass);
      bent[bit >> 3]! ^= 1 << (bit & 7);
      expect(await passes.read("default", AGENT, toBase64Url(bent))).toBeUndefined();
    }
  });

  test("whose pass is of a former secret is told apart, and still good", async () => {
    const old = await new AgentPasses(["former".repeat(8)]).make("default", AGENT, key.publicKey);
    const passes = new AgentPasses([SECRET, "former".repeat(8)]);
    expect(await passes.read("default", AGENT, old)).toEqual({ publicKey: key.publicKey, stale: true });
  });

  test("may ask about itself, leave, and name its successor, if both keys have signed", async () => {
    const { gateway, post } = start();
    const pass = await gateway.agents.passes.make("default", AGENT, key.publicKey);
    const path = "/_gate/agent";
    const get = await gateway.send(path, {
      headers: { authorization: await key.call({ path }, { agent: AGENT, pass }) },
    });
    expect([code(get), gateway.calls.objects]).toEqual(["agent_refused", 1]);
    const method = "DELETE";
    const authorization = await key.call({ method, path }, { agent: AGENT, pass });
    await gateway.send(path, { method, headers: { origin: ORIGIN, authorization } });
    expect(gateway.calls.objects).toBe(2);
    const successor = await TestKey.make();
    const succeed = async (body: string) =>
      post(`${path}/key`, body, await key.call({ method: "POST", path: `${path}/key`, body }, { agent: AGENT, pass }));
    const forged = {
      publicKey: successor.publicKey,
      signature: (await (await TestKey.make()).succession(AGENT)).signature,
    };
    expect(code(await succeed(JSON.stringify(forged)))).toBe("agent_refused");
    expect(gateway.calls.objects).toBe(2);
    await succeed(JSON.stringify(await successor.succession(AGENT)));
    expect(gateway.calls.objects).toBe(3);
  });
});

function at(body: string) {
  return { method: "POST", path: "/_gate/device", body };
}

async function signed(key: TestKey, content: unknown): Promise<[string, string]> {
  const body = JSON.stringify(content);
  return [body, await key.call(at(body))];
}
