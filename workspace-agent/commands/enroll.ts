/** `enroll`: an administrator lets this computer in. Nothing is copied by hand; run again, it goes on where it was. */
import { rmSync } from "node:fs";
import { hostname } from "node:os";
import * as v from "valibot";
import { GATE_PREFIX, VERSION } from "#protocol/version.ts";
import { type AgentKey, fingerprintOf, makeAgentKey } from "../agent-key.ts";
import { GatewayUrl } from "../config.ts";
import { readEnrolment, readWish } from "../enrolment/enrolment-answer.ts";
import { findEnrolment, findKey, keyFileOf, requireCaller } from "../enrolment/enrolled.ts";
import { type Caller, callGateway } from "../enrolment/gateway-call.ts";
import { findOpenClawCli } from "../openclaw/openclaw-cli.ts";
import { parseVersion } from "../openclaw/version.ts";
import { type Enrolment, updateAgentFile } from "../state/agent-file.ts";
import { withLock } from "../state/lock.ts";
import { type Command, CommandError, type CommandContext, done, EXIT, type Outcome } from "./command.ts";

/** These mean: ask again later. */
const PATIENT = new Set(["enrolment_pending", "rate_limited", "gateway_unreachable"]);

export const enroll: Command = {
  usage: "enroll <address>",
  summary: "asks an administrator of that gateway to let this computer in",
  flags: { name: { type: "string" }, "new-key": { type: "boolean" }, openclaw: { type: "string" } },
  run(context) {
    return withLock(context.folder, () => enrollIn(context));
  },
};

async function enrollIn(context: CommandContext): Promise<Outcome> {
  const { folder, say } = context;
  const url = addressOf(context.words[0]);
  const known = findEnrolment(folder);
  if (known !== null && known.url !== url.origin) {
    const mend = "Use another folder (--state), or run: tidegate-agent uninstall";
    throw new CommandError("enrolled_elsewhere", `${folder} is enrolled at ${known.url}. ${mend}`, EXIT.config);
  }
  if (known !== null && context.flags["new-key"] !== true) {
    const { name } = await callGateway(requireCaller(context), "GET", `${GATE_PREFIX}/agent`);
    say(`Already enrolled at ${known.url} as ${String(name)}.`);
    return done({ agentId: known.agentId, url: known.url, already: true });
  }
  if (context.dryRun) {
    say(`Would make a key in ${folder} and ask an administrator of ${url.origin} to let this computer in.`);
    return done({ url: url.origin, dryRun: true });
  }
  const key = keyOf(context);
  const enrolment = await askForIt(context, { url, key, agent: key.publicKey, pass: null, env: context.env });
  updateAgentFile(folder, { ...enrolment, nextPass: undefined });
  say(`Enrolled at ${url.origin} as ${enrolment.agentId}.`);
  return done({ agentId: enrolment.agentId, url: enrolment.url, already: false });
}

/** @throws {CommandError} usage */
function addressOf(word: string | undefined): URL {
  const url = URL.parse(word ?? "");
  if (url === null)
    throw new CommandError("usage", "enroll needs the gateway's address, such as https://claw.example.com", EXIT.usage);
  const parsed = v.safeParse(GatewayUrl, url.href);
  if (!parsed.success) throw new CommandError("usage", `The address ${parsed.issues[0].message}.`, EXIT.usage);
  return new URL(url.origin);
}

function keyOf({ folder, flags, say }: CommandContext): AgentKey {
  const file = keyFileOf(folder);
  if (flags["new-key"] === true) rmSync(file, { force: true });
  const found = findKey(folder);
  const key = found ?? makeAgentKey(file);
  say(`${found === null ? "Key made" : "Key"}: ${file} (0600), fingerprint ${fingerprintOf(key.publicKey)}`);
  return key;
}

async function askForIt(context: CommandContext, caller: Omit<Caller, "nowMs">): Promise<Enrolment> {
  const ask = (path: string, content: object) =>
    callGateway({ ...caller, nowMs: context.nowMs() }, "POST", `${GATE_PREFIX}/device${path}`, content);
  const introduction = { name: nameOf(context), openclaw: await openclawVersion(context), version: VERSION };
  const token = context.env["TIDEGATE_ENROLL_TOKEN"];
  if (token) return readEnrolment(caller.url, await ask("/token", { token, introduction }));
  const { request, link, intervalSeconds, expiresAt } = readWish(await ask("", introduction));
  context.say(
    `\nOpen this as an administrator, within ${Math.round((expiresAt - context.nowMs()) / 60_000)} minutes:\n\n  ${link}\n`,
  );
  context.say("Compare the fingerprint there with the one above. Waiting …");
  for (;;) {
    await context.sleep(intervalSeconds * 1000);
    try {
      return readEnrolment(caller.url, await ask("/token", { request }));
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      if (error.code === "enrolment_denied") throw new CommandError(error.code, error.message, EXIT.refused);
      if (!PATIENT.has(error.code)) throw error;
    }
  }
}

/** For the administrator's eyes; enrolment needs no OpenClaw. */
async function openclawVersion({ flags, env }: CommandContext): Promise<string | null> {
  try {
    const cli = findOpenClawCli(flags["openclaw"] as string | undefined, env);
    return parseVersion((await cli.run(["--version"])).stdout);
  } catch {
    return null;
  }
}

/** What an administrator reads; a computer's own name may hold anything. */
function nameOf({ flags }: CommandContext): string {
  const name = typeof flags["name"] === "string" ? flags["name"] : hostname();
  return name.replaceAll(/\p{C}/gu, "").trim().slice(0, 64) || "a computer without a name";
}
