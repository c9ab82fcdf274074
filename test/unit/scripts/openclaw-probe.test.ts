import { afterEach, expect, test } from "vitest";
import { checkOwnOpenClaw, findFault } from "../../../scripts/openclaw-probe.ts";
import { findFreePort } from "../../../scripts/ports.ts";
import { REFUSALS, startFakeOpenClaw, type FakeOpenClaw } from "../../support/fake-openclaw.ts";

const own = { gatewayPassword: "secret", userHeader: "x-forwarded-user", agentAddress: "127.77.0.1" };
const good = {
  trustedProxies: ["127.77.0.1"],
  auth: { mode: "trusted-proxy", trustedProxy: { userHeader: "X-Forwarded-User", allowLoopback: true } },
};
let openclaw: FakeOpenClaw | undefined;

afterEach(async () => {
  await openclaw?.stop();
  openclaw = undefined;
});

function answerWith(gateway: object) {
  return (method: string) => (method === "connect" ? { ok: true } : { ok: true, payload: { config: { gateway } } });
}

test("an OpenClaw that is set up for a gateway passes", async () => {
  openclaw = await startFakeOpenClaw(answerWith(good));
  await checkOwnOpenClaw({ ...own, url: openclaw.url });
});

test.each<[name: string, reply: Parameters<typeof startFakeOpenClaw>[0], text: string]>([
  [
    "in token mode",
    () => ({ ok: false, error: REFUSALS.token }),
    "gateway.auth.mode is token; it must be trusted-proxy",
  ],
  ["with another password", () => ({ ok: false, error: REFUSALS.password }), "it refuses OPENCLAW_GATEWAY_PASSWORD"],
  ["in password mode", answerWith({ auth: { mode: "password" } }), "gateway.auth.mode is password"],
  ["that trusts nobody", answerWith({ ...good, trustedProxies: [] }), "trustedProxies must hold 127.77.0.1"],
])("an OpenClaw %s is refused, and the setting named", async (_name, reply, text) => {
  openclaw = await startFakeOpenClaw(reply);
  const checked = checkOwnOpenClaw({ ...own, url: openclaw.url });
  await expect(checked).rejects.toMatchObject({ code: "not_trusted_proxy", message: expect.stringContaining(text) });
});

test.each(["no JSON", "null", "[]"])("a server that answers %j is called something else", async (answer) => {
  openclaw = await startFakeOpenClaw(() => answer);
  const checked = checkOwnOpenClaw({ ...own, url: openclaw.url });
  await expect(checked).rejects.toThrow(`what listens at OPENCLAW_URL=${openclaw.url} is not an OpenClaw gateway`);
});

test("nobody there, and one that is not ready, are told apart from a wrong setting", async () => {
  const url = `http://127.0.0.1:${await findFreePort()}`;
  await expect(checkOwnOpenClaw({ ...own, url })).rejects.toThrow("Is it running?");
  openclaw = await startFakeOpenClaw(answerWith(good), 503);
  await expect(checkOwnOpenClaw({ ...own, url: openclaw.url })).rejects.toThrow("Is it running?");
});

test("loopback and the header's name are looked at too", () => {
  const fault = (trustedProxy: object) =>
    findFault({ type: "settings", settings: { ...good, auth: { ...good.auth, trustedProxy } } }, own);
  expect(fault({ userHeader: "x-forwarded-user" })).toMatch("allowLoopback must be true");
  expect(fault({ userHeader: "x-other", allowLoopback: true })).toMatch("set OPENCLAW_USER_HEADER to the same name");
});
