import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { describeChange, planChange } from "../../workspace-agent/openclaw/plan-change.ts";
import { isOnlyOurs, planUndo } from "../../workspace-agent/openclaw/plan-undo.ts";
import { applyMergePatch, mergeDiff } from "../../workspace-agent/openclaw/setting-path.ts";
import { parseGatewaySettings } from "../../workspace-agent/openclaw/settings.ts";
import type { Wanted } from "../../workspace-agent/openclaw/wanted.ts";

const WANTED: Wanted = {
  localAddress: "127.77.0.1",
  userHeader: "x-tidegate-user-0011223344556677",
  publicOrigin: "https://claw.example.com",
  admins: ["alice@example.com"],
};
const PASSWORD = "the-agents-own-password";
const TOKEN_MODE = { port: 18_789, auth: { mode: "token", token: "__OPENCLAW_REDACTED__" } };

type Json = Record<string, unknown>;

/** What OpenClaw's file holds after the plan was carried out. */
function carriedOut(gateway: Json, wanted = WANTED): Json {
  const { patches } = planChange(parseGatewaySettings(gateway), wanted, PASSWORD);
  return patches.reduce<Json>((config, patch) => applyMergePatch(config, patch) as Json, { gateway });
}

function warnings(gateway: Json, wanted = WANTED): string {
  return planChange(parseGatewaySettings(gateway), wanted, PASSWORD).warnings.join("\n");
}

describe("the plan", () => {
  test("leads from token mode to what the agent needs, and to nothing else", () => {
    expect(carriedOut(TOKEN_MODE)).toEqual({
      gateway: {
        port: 18_789,
        publicOrigin: "https://claw.example.com",
        trustedProxies: ["127.77.0.1"],
        auth: {
          mode: "trusted-proxy",
          password: PASSWORD,
          identityScopes: { "alice@example.com": ["operator.admin"] },
          trustedProxy: {
            userHeader: WANTED.userHeader,
            requiredHeaders: ["x-forwarded-proto", "x-forwarded-host"],
            allowLoopback: true,
            deviceAutoApprove: {
              enabled: true,
              scopes: ["operator.read", "operator.write", "operator.approvals", "operator.questions"],
            },
          },
        },
        controlUi: { allowedOrigins: ["https://claw.example.com"] },
      },
    });
  });

  test("is empty for its own result", () => {
    const { gateway } = carriedOut(TOKEN_MODE);
    expect(planChange(parseGatewaySettings(gateway), WANTED, null)).toMatchObject({
      changes: [],
      patches: [],
      warnings: [],
    });
  });

  test("sets the password alone and last, because OpenClaw takes it out of a change of the mode", () => {
    const { patches } = planChange(parseGatewaySettings(TOKEN_MODE), WANTED, PASSWORD);
    expect(JSON.stringify(patches[0])).not.toContain("password");
    expect(patches.slice(1)).toEqual([{ gateway: { auth: { password: PASSWORD } } }]);
  });

  test("adds its origin to those that are there, and drops the wildcard", () => {
    const { gateway } = carriedOut({ controlUi: { allowedOrigins: ["*", "https://old.example"] } }) as {
      gateway: Json;
    };
    expect(gateway["controlUi"]).toEqual({ allowedOrigins: ["https://old.example", "https://claw.example.com"] });
  });

  test("leaves an administrator's other scopes", () => {
    const { gateway } = carriedOut({ auth: { identityScopes: { "alice@example.com": ["operator.talk"] } } });
    expect(gateway).toMatchObject({
      auth: { identityScopes: { "alice@example.com": ["operator.talk", "operator.admin"] } },
    });
  });

  test("names no public origin that OpenClaw would refuse", () => {
    expect(carriedOut({}, { ...WANTED, publicOrigin: "http://localhost:8080" })["gateway"]).not.toHaveProperty(
      "publicOrigin",
    );
  });

  test("shows no secret", () => {
    const { changes } = planChange(
      parseGatewaySettings({ auth: { token: "t0ken", password: "0ld" } }),
      WANTED,
      PASSWORD,
    );
    const diff = changes.flatMap(describeChange).join("\n");
    expect(diff).toContain("- gateway.auth.token: (secret)\n");
    expect(diff).toContain('+ gateway.auth.identityScopes["alice@example.com"]: ["operator.admin"]');
    expect(diff).not.toMatch(/t0ken|0ld|the-agents/);
  });

  test.each([
    ["token mode", TOKEN_MODE, /token mode ends.*paired devices.*https:\/\/claw\.example\.com/],
    ["token mode by default", {}, /token mode ends/],
    ["a password of somebody's", { auth: { mode: "password", password: "x" } }, /password is replaced/],
    ["another proxy", { trustedProxies: ["10.0.0.1"] }, /stops believing other proxies: 10\.0\.0\.1/],
    ["any origin", { controlUi: { allowedOrigins: ["*"] } }, /allowedOrigins was "\*"/],
    ["a list of people", { auth: { trustedProxy: { allowUsers: ["a@b.c"] } } }, /only a@b\.c/],
    ["an open port", { bind: "lan" }, /beyond this machine \(gateway\.bind is lan\)/],
  ])("warns of %s", (_, gateway, words) => {
    expect(warnings(gateway)).toMatch(words);
  });

  test("warns where the agent has no address of its own, and of nothing else where nothing else is", () => {
    const quiet = { auth: { mode: "none" }, bind: "loopback" };
    expect(warnings(quiet)).toBe("");
    expect(warnings(quiet, { ...WANTED, localAddress: "127.0.0.1" })).toMatch(/^On this system.*secret name.*alone\.$/);
  });
});

describe("the undoing", () => {
  const before: Json = {
    gateway: { port: 1, auth: { mode: "token", token: "old" }, controlUi: { allowedOrigins: ["https://old.example"] } },
    ui: { seamColor: "#000000" },
  };
  const { patches, changes } = planChange(parseGatewaySettings(before["gateway"]), WANTED, PASSWORD);
  const set = changes.slice(0, -1).map(({ path, after }) => ({ path: [...path], value: after ?? null }));
  const after = patches.reduce<Json>((config, patch) => applyMergePatch(config, patch) as Json, before);

  function undone(current: Json): unknown {
    return applyMergePatch(current, planUndo(before, current, set, PASSWORD));
  }

  test("knows its own result, whatever OpenClaw writes about its writing", () => {
    expect(isOnlyOurs(before, { ...after, meta: { lastTouchedVersion: "2026.9.7" } }, set, PASSWORD)).toBe(true);
    expect(isOnlyOurs(before, { ...after, ui: {} }, set, PASSWORD)).toBe(false);
    expect(isOnlyOurs(before, after, set, null)).toBe(false);
  });

  test("gives back each value that is still the agent's", () => {
    expect(undone(after)).toEqual(before);
    expect(undone({ ...after, ui: { seamColor: "#ffffff" } })).toEqual({ ...before, ui: { seamColor: "#ffffff" } });
  });

  test("leaves what somebody else has set since", () => {
    const changed = applyMergePatch(after, {
      gateway: {
        auth: { password: "theirs", trustedProxy: { allowUsers: ["a@b.c"] } },
        publicOrigin: "https://new.example",
      },
    }) as Json;
    expect(undone(changed)).toMatchObject({
      gateway: { auth: { mode: "token", token: "old", password: "theirs" }, publicOrigin: "https://new.example" },
    });
  });

  test("takes its own origin alone out of a list that others added to", () => {
    const allowedOrigins = ["https://old.example", "https://claw.example.com", "https://new.example"];
    const changed = applyMergePatch(after, { gateway: { controlUi: { allowedOrigins } } }) as Json;
    expect(undone(changed)).toMatchObject({
      gateway: { controlUi: { allowedOrigins: ["https://old.example", "https://new.example"] } },
    });
  });
});

test("a patch made of two configurations leads from one to the other", () => {
  const config = fc.letrec<{ value: unknown; object: Json }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.boolean(),
      fc.string(),
      fc.array(fc.integer(), { maxLength: 2 }),
      tie("object"),
    ),
    object: fc.dictionary(fc.constantFrom("a", "b", "c"), tie("value")),
  })).object;
  fc.assert(
    fc.property(config, config, (from, to) => {
      expect(applyMergePatch(from, mergeDiff(from, to))).toEqual(to);
    }),
  );
});
