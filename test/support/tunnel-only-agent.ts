/**
 * The real agent's connection and origin, without its identity part: for origins that are no OpenClaw.
 * Run as a process of its own, so that its memory can be watched. Argument: the agent's state folder.
 */
import { readConfig } from "../../workspace-agent/config.ts";
import { systemClock } from "../../workspace-agent/clock.ts";
import { AgentSocket } from "../../workspace-agent/connection/agent-socket.ts";
import { dial } from "../../workspace-agent/connection/dial.ts";
import { Traffic } from "../../workspace-agent/connection/traffic.ts";
import { Tunnel } from "../../workspace-agent/connection/tunnel.ts";
import { openStreams } from "../../workspace-agent/origin/open-stream.ts";
import { createOrigin } from "../../workspace-agent/origin/origin.ts";

const config = readConfig(process.argv[2] ?? "", process.env);
const log = (event: string, fields: object = {}) => console.error(JSON.stringify({ event, ...fields }));
const origin = createOrigin(config.openclaw, log);
const tunnel = new Tunnel({
  openStream: openStreams(origin, () => null, null, log),
  identity: { receive: () => undefined, release: () => undefined },
  clock: systemClock,
  traffic: new Traffic(),
  log,
});
const end = await dial({
  identity: config,
  boot: 1,
  attempt: 1,
  now: Date.now,
  signal: new AbortController().signal,
  resume: () => null,
  greeted: (greeting, socket, transport) => {
    const connection = new AgentSocket(socket, transport, systemClock);
    connection.carry(tunnel.greet(greeting, connection));
    console.log("connected");
  },
});
console.log(`ended ${end.code} ${end.reason}`);
process.exit();
