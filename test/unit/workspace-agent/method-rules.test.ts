import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ROLES, type Role } from "#protocol/identity.ts";
import { decideMethod, isClassified, needOf } from "../../../workspace-agent/method-gate/method-rules.ts";
import { type Need, OPENCLAW_2026_9, STRICTER } from "../../../workspace-agent/method-gate/methods/openclaw-2026-9.ts";

/** OpenClaw's own table, as its protocol package publishes it. */
const schema = "node_modules/@openclaw/gateway-protocol/protocol.schema.json";
const { methods } = JSON.parse(readFileSync(schema, "utf8")) as { methods: Record<string, { scope: string }> };

const NEED_OF_SCOPE: Record<string, Need> = {
  "operator.read": "viewer",
  "operator.write": "user",
  "operator.questions": "user",
  "operator.talk": "user",
  "operator.approvals": "approver",
  "operator.admin": "admin",
  "operator.pairing": "admin",
  node: "nobody",
};
const ORDER: readonly Need[] = [...ROLES, "nobody"];

const request = (method: string, ...params: string[]) => ({ id: "1", method, params: new Set(params) });
const allowed = (role: Role, method: string, ...params: string[]) =>
  decideMethod(role, request(method, ...params)).allow;

describe("the list", () => {
  test("classifies every method of the installed protocol package", () => {
    expect(Object.keys(methods).filter((method) => !isClassified(method))).toEqual([]);
  });

  test("names no method twice", () => {
    const all = Object.values(OPENCLAW_2026_9).flatMap((names) => [...names]);
    expect(all.filter((name, at) => all.indexOf(name) !== at)).toEqual([]);
  });

  test("is as strict as OpenClaw's own scopes, and stricter only where it says why", () => {
    for (const [method, { scope }] of Object.entries(methods)) {
      const theirs = NEED_OF_SCOPE[scope];
      // users.self became a read in 2026.9.6; dynamic scopes depend on parameters.
      if (theirs === undefined || method === "users.self" || method === "connect") continue;
      const [ours, least] = [ORDER.indexOf(needOf(method)), ORDER.indexOf(theirs)];
      expect(ours, method).toBeGreaterThanOrEqual(least);
      expect(ours > least, method).toBe(Object.hasOwn(STRICTER, method));
    }
  });
});

const table: [method: string, params: string[], least: Need][] = [
  ["connect", ["role", "scopes", "client", "device"], "viewer"],
  ["chat.history", [], "viewer"],
  ["users.self", [], "viewer"],
  ["chat.send", ["sessionKey", "message", "attachments", "idempotencyKey"], "user"],
  ["chat.abort", [], "user"],
  ["sessions.create", [], "user"],
  ["sessions.patch", [], "user"],
  ["sessions.delete", [], "user"],
  ["agent", ["message", "sessionKey", "idempotencyKey"], "user"],
  ["exec.approval.resolve", [], "approver"],
  ["approval.resolve", [], "approver"],
  ["tools.invoke", [], "admin"],
  ["computer.invoke", [], "admin"],
  ["node.invoke", [], "admin"],
  ["wake", ["text"], "admin"],
  ["board.event", ["sessionKey", "widget", "payload"], "admin"],
  ["question.request", ["sessionKey", "questions"], "admin"],
  ["question.waitAnswer", [], "admin"],
  ["question.resolve", ["id", "answers"], "user"],
  ["taskSuggestions.create", [], "admin"],
  ["taskSuggestions.dismiss", [], "user"],
  ["send", ["to", "message"], "admin"],
  ["poll", [], "admin"],
  ["message.action", ["action"], "admin"],
  ["config.get", [], "admin"],
  ["logs.tail", [], "admin"],
  ["users.setDisplayName", [], "admin"],
  ["sessions.assignOwner", [], "admin"],
  ["session.publicShare.set", [], "admin"],
  ["config.patch", [], "admin"],
  ["chat.inject", [], "admin"],
  ["cron.add", [], "admin"],
  ["agents.files.set", [], "admin"],
  ["device.pair.approve", [], "admin"],
  ["a.method.nobody.has.classified", [], "admin"],
  ["__proto__", [], "admin"],
  ["constructor", [], "admin"],
  ["Tools.Invoke", [], "admin"],
  ["tools.invoke ", [], "admin"],
  ["node.event", [], "nobody"],
  ["node.invoke.result", [], "nobody"],
  ["users.linkEmail", [], "nobody"],
  // Speaking as somebody else is for nobody, whatever the role.
  ["agent", ["message", "inputProvenance"], "nobody"],
  ["agent", ["message", "extraSystemPrompt"], "nobody"],
  ["agent", ["message", "promptMode"], "nobody"],
  ["agent", ["message", "modelRun"], "nobody"],
  ["agent", ["message", "bootstrapContextMode"], "nobody"],
  ["agent", ["message", "bootstrapContextRunKind"], "nobody"],
  ["agent", ["message", "internalEvents"], "nobody"],
  ["agent", ["message", "suppressPromptPersistence"], "nobody"],
  ["agent", ["message", "sessionEffects"], "nobody"],
  ["agent", ["message", "cwd"], "nobody"],
  ["agent", ["message", "aParameterOfTomorrow"], "nobody"],
  ["chat.send", ["message", "systemInputProvenance"], "nobody"],
  ["chat.send", ["message", "systemProvenanceReceipt"], "nobody"],
  ["question.resolve", ["id", "answers", "resolvedBy"], "nobody"],
  ["message.action", ["action", "requesterSenderId"], "nobody"],
  ["message.action", ["action", "senderIsOwner"], "nobody"],
];

test.each(table)("%s %j is for %s and above", (method, params, least) => {
  const may = ROLES.filter((role) => allowed(role, method, ...params));
  expect(may).toEqual(least === "nobody" ? [] : ROLES.slice(ROLES.indexOf(least)));
});
