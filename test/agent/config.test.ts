import { generateKeyPairSync } from "node:crypto";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { nextBoot } from "../../workspace-agent/boot-counter.ts";
import { ConfigError, readConfig } from "../../workspace-agent/config.ts";

const good = {
  agentId: "agent-0001",
  url: "https://gw.example",
  tenant: "acme",
  gatewayKey: generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" }).x,
  openclawUrl: "http://127.0.0.1:18789",
  workspace: "/srv/workspace",
  userHeader: "X-Gate-User",
  localAddress: "127.77.0.1",
  publicHost: "gw.example",
};
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tidegate-"));
  const { privateKey } = generateKeyPairSync("ed25519");
  writeFileSync(join(folder, "agent.key"), privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
});
afterEach(() => rmSync(folder, { recursive: true }));

function problems(settings: unknown, env: NodeJS.ProcessEnv = {}): readonly string[] {
  writeFileSync(join(folder, "agent.json"), JSON.stringify(settings));
  try {
    readConfig(folder, env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

test("a complete folder is read", () => {
  writeFileSync(join(folder, "agent.json"), JSON.stringify(good));
  const config = readConfig(folder, { OPENCLAW_GATEWAY_PASSWORD: "secret" });
  expect(config.openclaw).toEqual({
    host: "127.0.0.1",
    port: 18789,
    localAddress: "127.77.0.1",
    userHeader: "x-gate-user",
  });
  expect(config.publicUrl).toBe("https://gw.example");
  expect(config.openclawPassword).toBe("secret");
});

test("in a container the environment says where OpenClaw is, and is judged as the file is", () => {
  const { openclawUrl: _url, workspace: _workspace, userHeader: _header, localAddress: _address, ...enrolment } = good;
  const env = {
    OPENCLAW_URL: "http://127.0.0.1:18790",
    OPENCLAW_WORKSPACE: "/data/workspace",
    TIDEGATE_USER_HEADER: "x-other-user",
    TIDEGATE_LOCAL_ADDRESS: "127.77.0.1",
  };
  expect(problems(enrolment, env)).toEqual([]);
  expect(readConfig(folder, env).openclaw).toMatchObject({ port: 18790, userHeader: "x-other-user" });
  expect(readConfig(folder, { ...env, OPENCLAW_WORKSPACE: "/a:/b:/a" }).workspaces).toEqual(["/a", "/b"]);
  expect(problems(enrolment, { ...env, OPENCLAW_WORKSPACE: "/a:b" })).toEqual([
    "agent.json: otherWorkspaces.0 must be an absolute path",
  ]);
  expect(problems(enrolment, { ...env, OPENCLAW_URL: "http://openclaw:18790" })).toEqual([
    "agent.json: openclawUrl must be http on 127.0.0.1, [::1] or localhost, without a path",
  ]);
  expect(problems([], env)).not.toEqual([]);
});

test.each([
  ["url", "http://gw.example"],
  ["url", "https://gw.example/path"],
  ["url", "https://user:pw@gw.example"],
  ["openclawUrl", "http://10.0.0.1:18789"],
  ["openclawUrl", "http://127.0.0.1.evil.example"],
  ["openclawUrl", "https://127.0.0.1"],
  ["localAddress", "10.0.0.1"],
  ["gatewayKey", "short"],
  ["workspace", "relative/path"],
  ["userHeader", "cookie"],
  ["userHeader", "X-Forwarded-For"],
  ["userHeader", "x_user"],
  ["publicHost", "gw.example/x"],
  ["tenant", "Acme"],
])("%s: %s is refused, and the value is not repeated", (name, value) => {
  const [problem, ...more] = problems({ ...good, [name]: value });
  expect(more).toEqual([]);
  expect(problem).toMatch(new RegExp(`^agent\\.json: ${name} must be|must not be`));
  expect(problem).not.toContain(value);
});

test("the machine's own settings are read from the environment, and are off without it", () => {
  writeFileSync(join(folder, "agent.json"), JSON.stringify(good));
  expect(readConfig(folder, {})).toMatchObject({ proxy: null, metricsPort: null });
  const config = readConfig(folder, { HTTPS_PROXY: "http://p.example:3128", TIDEGATE_METRICS_PORT: "9464" });
  expect(config.proxy?.href).toBe("http://p.example:3128/");
  expect(config.metricsPort).toBe(9464);
});

test.each([
  ["TIDEGATE_METRICS_PORT", "0"],
  ["TIDEGATE_METRICS_PORT", "65536"],
  ["TIDEGATE_METRICS_PORT", "1e3"],
  ["TIDEGATE_METRICS_PORT", "0.0.0.0:9464"],
  ["HTTPS_PROXY", "socks5://user:secret@p.example"],
])("%s=%s is refused, and the value is not repeated", (name, value) => {
  const found = problems(good, { [name]: value });
  expect(found).toHaveLength(1);
  expect(found[0]).toMatch(new RegExp(`^${name}: must be `));
  expect(found[0]).not.toContain(value);
});

test("everything that is wrong is told at once, unknown and missing names too", () => {
  chmodSync(join(folder, "agent.key"), 0o640);
  const { tenant: _, ...rest } = good;
  expect(problems({ ...rest, url: 5, typo: "s3cret" })).toEqual([
    "agent.key: may be read by others (mode 640): chmod 600",
    "agent.json: url is of the wrong type",
    "agent.json: tenant is missing",
    "agent.json: typo is not known",
  ]);
});

test("missing files are named", () => {
  rmSync(join(folder, "agent.key"));
  expect(() => readConfig(folder, {})).toThrow("agent.key is missing\nagent.json is missing");
});

test("every start has a higher number, and a damaged counter is not taken for a new one", () => {
  expect([nextBoot(folder), nextBoot(folder), nextBoot(folder)]).toEqual([1, 2, 3]);
  expect(readFileSync(join(folder, "boot"), "utf8")).toBe("3\n");
  writeFileSync(join(folder, "boot"), "x");
  expect(() => nextBoot(folder)).toThrow("does not hold a number");
});
