/**
 * The real agent's connection and origin, without its identity part: for origins that are no OpenClaw.
 * Run as a process of its own, so that its memory can be watched. Argument: the agent's state folder.
 */
import { readConfig } from "../../workspace-agent/config.ts";
import { AgentSocket } from "../../workspace-agent/connection/agent-socket.ts";
import { dial } from "../../workspace-agent/connection/dial.ts";
import { openStreams } from "../../workspace-agent/origin/open-stream.ts";
import { createOrigin } from "../../workspace-agent/origin/origin.ts";

const config = readConfig(process.argv[2] ?? "", process.env);
const log = (event: string, fields: object = {}) => console.error(JSON.stringify({ event, ...fields }));
const origin = createOrigin(config.openclaw, log);
const end = await dial({
  identity: config,
  boot: 1,
  attempt: 1,
  now: Date.now,
  signal: new AbortController().signal,
  welcomed: (socket) => {
    const openStream = openStreams(origin, () => null, log);
    new AgentSocket(socket, { openStream, receiveIdentity: () => undefined, log });
    console.log("connected");
  },
});
console.log(`ended ${end.code} ${end.reason}`);
