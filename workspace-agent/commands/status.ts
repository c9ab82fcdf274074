/** `status`: what this folder holds, and what the gateway says of it. Asks, and changes nothing. */
import { GATE_PREFIX } from "#protocol/version.ts";
import { fingerprintOf } from "../agent-key.ts";
import { findEnrolment, requireCaller } from "../enrolment/enrolled.ts";
import { callGateway } from "../enrolment/gateway-call.ts";
import { readAgentFile } from "../state/agent-file.ts";
import { type Command, CommandError, done, EXIT } from "./command.ts";

export const status: Command = {
  usage: "status",
  summary: "what is enrolled and configured here, and whether the gateway knows it",
  async run(context) {
    const { folder, say } = context;
    const enrolment = findEnrolment(folder);
    if (enrolment === null) {
      say(`Not enrolled (${folder}).`);
      return { exit: EXIT.unhealthy, result: { folder, enrolled: false } };
    }
    const { url, agentId, key } = enrolment;
    const { openclawUrl, workspace, otherWorkspaces = [] } = readAgentFile(folder);
    const fingerprint = fingerprintOf(key.publicKey);
    say(`Agent ${agentId}, key ${fingerprint}, at ${url}`);
    say(
      openclawUrl === undefined
        ? "OpenClaw: not configured"
        : `OpenClaw: ${openclawUrl}, workspace ${[workspace ?? "unknown", ...otherWorkspaces].join(", ")}`,
    );
    const result = { folder, enrolled: true, agentId, url, fingerprint, configured: openclawUrl !== undefined };
    try {
      const { name, role } = await callGateway(requireCaller(context), "GET", `${GATE_PREFIX}/agent`);
      say(`Gateway: knows it as ${String(name)}, ${role === null ? "not connected" : `connected (${String(role)})`}`);
      return done({ ...result, name, role });
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      say(`Gateway: ${error.message}`);
      return { exit: EXIT.unhealthy, result: { ...result, error: error.code } };
    }
  },
};
