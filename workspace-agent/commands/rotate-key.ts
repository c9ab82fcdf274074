/** `rotate-key`: a new key takes the old one's place. Both count until the new one connects, so nothing is cut. */
import { existsSync, renameSync, rmSync } from "node:fs";
import { successionTranscript } from "#protocol/messages.ts";
import { GATE_PREFIX } from "#protocol/version.ts";
import { type AgentKey, fingerprintOf, makeAgentKey, readAgentKey } from "../agent-key.ts";
import { keyFileOf, requireCaller } from "../enrolment/enrolled.ts";
import { callGateway } from "../enrolment/gateway-call.ts";
import { readAgentFile, updateAgentFile } from "../state/agent-file.ts";
import { withLock } from "../state/lock.ts";
import { type Command, CommandError, done } from "./command.ts";

export const rotateKey: Command = {
  usage: "rotate-key",
  summary: "makes a new key; the old one ends when the agent connects with the new one",
  run(context) {
    const { folder, say, dryRun } = context;
    return withLock(folder, async () => {
      const caller = requireCaller(context);
      if (dryRun) {
        say("Would make a new key and have the gateway take it in place of this one.");
        return done({ dryRun: true });
      }
      const file = keyFileOf(folder);
      const nextFile = `${file}.next`;
      const next = nextKey(nextFile);
      const signature = next.sign(successionTranscript(caller.url.host, caller.agent, next.publicKey));
      const answer = await callGateway(caller, "POST", `${GATE_PREFIX}/agent/key`, {
        publicKey: next.publicKey,
        signature: Buffer.from(signature).toString("base64url"),
      });
      const { pass } = answer;
      if (typeof pass !== "string") throw new CommandError("bad_answer", "The gateway gave no pass for the new key.");
      // Whichever of the two files is replaced last, the key that is there finds its pass.
      updateAgentFile(folder, { nextPass: pass });
      renameSync(nextFile, file);
      updateAgentFile(folder, { ...readAgentFile(folder), pass, nextPass: undefined });
      say(`New key: fingerprint ${fingerprintOf(next.publicKey)}. Restart the agent to use it.`);
      return done({ fingerprint: fingerprintOf(next.publicKey) });
    });
  },
};

/** The one of a run that was interrupted, if there is one: the gateway may know it already. */
function nextKey(file: string): AgentKey {
  if (existsSync(file)) {
    try {
      return readAgentKey(file);
    } catch {
      rmSync(file);
    }
  }
  return makeAgentKey(file);
}
