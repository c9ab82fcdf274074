/** T2: what is typed into a chat as a command of OpenClaw's. The gate reads no prompts, so that OpenClaw's own check must hold. */
import { openClawRelease } from "../../scripts/openclaw-install.ts";
import type { Attempt } from "./attempt.ts";
import type { RealOpenClaw } from "./real-openclaw.ts";

const REFUSED = /operator\.(admin|approvals)|not authorized|is disabled|not available|owner/;
/** How releases until 2026.9.1 refuse: what they do not do, they do not answer. */
const IGNORED = /No reply was generated/;
const isSilent = openClawRelease().localeCompare("2026.9.2", "en", { numeric: true }) < 0;

const COMMANDS: string[] = [
  "/config set gateway.auth.trustedProxy.userHeader=x-forged",
  "/config show",
  "/bash id",
  "/elevated full",
  "/mcp show",
  "/plugins install x",
  "/debug set x=1",
  "/approve x allow-once",
  "/restart",
  "/reset",
  "/acp spawn codex",
  "/model demo/demo -g",
  "/send on",
  "/export-session",
  "/login",
  "/openclaw fix",
];

/** Says something in a session of one's own. @returns what came back, whole */
async function say(real: RealOpenClaw, message: string): Promise<string> {
  const user = real.sessions.user;
  const { payload } = await user.request("sessions.create", { agentId: "main" });
  const { key: sessionKey } = payload as { key: string };
  const said = await user.request("chat.send", { sessionKey, message, idempotencyKey: crypto.randomUUID() });
  if (!said.ok) return said.error?.message ?? "";
  const { runId } = said.payload as { runId: string };
  const end = await user.event(({ event, payload: { runId: of, state } }) => {
    return event === "chat" && of === runId && ["final", "error"].includes(String(state));
  });
  return JSON.stringify(end.payload);
}

async function configurationHash(real: RealOpenClaw): Promise<unknown> {
  const { payload } = await real.sessions.admin.request("config.get");
  return (payload as { hash: unknown }).hash;
}

export const COMMAND_ATTEMPTS: Attempt[] = COMMANDS.map((command) => ({
  id: `command/user ${command}`,
  threat: "T2",
  tried: `${command}, typed into a chat by the user`,
  expected: "refused by OpenClaw; its configuration is what it was",
  async run({ real }) {
    const before = await configurationHash(real);
    const answer = await say(real, command);
    const after = await configurationHash(real);
    const isRefused = REFUSED.test(answer) || (isSilent && IGNORED.test(answer));
    const refused = isRefused ? "refused by OpenClaw" : answer;
    return `${refused}; its configuration is ${before === after ? "what it was" : "another"}`;
  },
}));
