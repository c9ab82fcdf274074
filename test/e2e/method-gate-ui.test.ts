/** What the installed Control UI calls, found in its scripts: nobody is refused it without a reason that is written down. */
import { beforeAll, expect, test } from "vitest";
import type { Role } from "#protocol/identity.ts";
import { installOpenClaw } from "../../scripts/openclaw-install.ts";
import { decideMethod, isClassified, PARAMETERS } from "../../workspace-agent/method-gate/method-rules.ts";
import { STRICTER } from "../../workspace-agent/method-gate/methods/openclaw-2026-9.ts";
import { type Calls, calledByPages, methodScopes } from "../support/openclaw-methods.ts";

/** What OpenClaw gives a role, in its own scopes; a dynamic one is decided by OpenClaw from the parameters. */
const SCOPES: Partial<Record<Role, RegExp>> = {
  viewer: /^operator\.(sessions\.)?read$/,
  user: /^(operator\.(sessions\.)?(read|write)|operator\.(questions|talk)|dynamic)$/,
  approver: /^(operator\.(sessions\.)?(read|write)|operator\.(questions|talk|approvals)|dynamic)$/,
};
/** Of plugins that come with OpenClaw and are off until an administrator turns them on; for administrators (decision 47). */
const PLUGINS = [
  /^browser\.request$/,
  /^codex\.accountUsage$/,
  /^crabbox\.images\./,
  /^logbook\./,
  /^memory\.sessionBackfill\./,
  /^wiki\.get$/,
];

/** Its scope depends on its parameters, and begins at pairing. */
const NEVER_LESS_THAN_PAIRING = "channels.pairing.approve";

let scopes: Map<string, string>;
let calls: Calls;

beforeAll(async () => {
  await installOpenClaw();
  scopes = methodScopes();
  calls = calledByPages(scopes.keys());
});

test("the scripts are read: what a page is known to call is found, however it is written", () => {
  expect(calls.own.size).toBeGreaterThan(300);
  // Plain, through a wrapper, a word without a dot, and put together at both ends.
  const known = ["chat.send", "question.resolve", "wake", "users.authConnect.cancel", "users.github.authorize.poll"];
  expect(known.filter((method) => !calls.own.has(method))).toEqual([]);
});

test("every method that a page calls is classified, or is a known plugin's", () => {
  expect([...calls.own].filter((method) => !isClassified(method))).toEqual([]);
  const strangers = [...calls.plugins].filter((method) => !isClassified(method));
  expect(strangers.filter((method) => !PLUGINS.some((known) => known.test(method)))).toEqual([]);
});

test.each(Object.entries(SCOPES))(
  "role %s is refused nothing that OpenClaw gives and a page calls, without a reason",
  (role, given) => {
    const called = [...calls.own].filter((method) => {
      return method !== NEVER_LESS_THAN_PAIRING && given.test(scopes.get(method) ?? "");
    });
    expect(called.length).toBeGreaterThan(100);
    const refused = called.filter(
      (method) => !decideMethod(role as Role, { id: "1", method, params: new Set() }).allow,
    );
    expect(refused.filter((method) => !Object.hasOwn(STRICTER, method))).toEqual([]);
  },
);

test("of the methods with a list of parameters, pages call two, and send none that is refused", () => {
  // A list is made without a page in mind: one that begins to call such a method has to be looked at.
  const listed = Object.keys(PARAMETERS).filter((method) => calls.own.has(method));
  expect(listed).toEqual(["chat.send", "question.resolve"]);
  const rule = PARAMETERS["chat.send"];
  const refused = rule !== undefined && "never" in rule ? [...rule.never] : [];
  expect(refused).not.toEqual([]);
  // Once is OpenClaw's description of the method; whoever sends it says it again.
  expect(refused.filter((name) => calls.text.split(name).length > 2)).toEqual([]);
  // The pages read this one in an event; they send `{id, answers}` or `{id, cancel}`.
  expect(calls.text).not.toMatch(/requestParams:\{[^}]*resolvedBy/);
});

test("the reasons are about methods that OpenClaw has", () => {
  expect(Object.keys(STRICTER).filter((method) => !scopes.has(method))).toEqual([]);
});
