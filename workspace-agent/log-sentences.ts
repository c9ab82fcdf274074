/** The same events for a person at a terminal: a time and a sentence, coloured only where that shows. */
import type { AgentEvent, Log, LogFields } from "./log.ts";

interface Sentence {
  tone: "good" | "news" | "bad";
  /** `{name}` stands for a field; a field that is missing reads as nothing. */
  text: string;
}

const good = (text: string): Sentence => ({ tone: "good", text });
const news = (text: string): Sentence => ({ tone: "news", text });
const bad = (text: string): Sentence => ({ tone: "bad", text });

const SENTENCES: Record<AgentEvent, Sentence> = {
  "agent.started": news("agent {version} for {tenant}, start number {boot}"),
  "agent.stopped": news("stopped"),
  "tunnel.connected": good("connected to {gateway}"),
  "tunnel.resumed": good("went on after a cut: {streams} open, {ended} lost"),
  "tunnel.active": good("serving this workspace"),
  "tunnel.standby": good("standing by: another agent serves this workspace"),
  "tunnel.disconnected": bad("not connected ({code} {reason}), trying again in {delay_ms} ms"),
  "tunnel.network_changed": news("the network changed, trying again now"),
  "tunnel.link_ended": news("{streams} open exchanges ended ({reason})"),
  "tunnel.superseded": bad("this agent's key runs elsewhere, started later"),
  "tunnel.draining": news("the gateway is about to restart"),
  "tunnel.leaving": news("stopping: {exchanges} exchanges may still end"),
  "protocol.broken": bad("the connection broke the protocol ({code})"),
  "origin.unreachable": bad("OpenClaw does not answer"),
  "origin.reachable": good("OpenClaw answers again"),
  "stream.refused": bad("refused to open something for the gateway ({code})"),
  "identity.written": news("wrote {files} identity files for {people} people"),
  "identity.unwritable": bad("identity could not be written: {what}: {error}"),
  "identity.reasserted": news("{files} identity files had been changed and are right again"),
  "identity.ambiguous": bad("two people share OpenClaw's profile {profile}: neither is verified there"),
  "identity.crowded": bad("an identity file is too full: {left_out}{file}"),
  "identity.name_not_set": bad("OpenClaw took no display name: {error}"),
  "identity.watch_failed": bad("the workspace cannot be watched ({code}), looking from time to time"),
  "admins.set": news("OpenClaw's administrators: {granted} more, {withdrawn} fewer"),
  "admins.not_set": bad("OpenClaw's administrators are not in step with the gateway's: {error}"),
};

const COLOURS: Record<Sentence["tone"], string> = { good: "32", news: "0", bad: "33" };

/** @param colour false writes plain text, as NO_COLOR asks for */
export function createSentenceLog(write: (line: string) => void, colour: boolean, now = () => new Date()): Log {
  return function log(event, fields = {}) {
    const { tone, text } = SENTENCES[event];
    const sentence = fill(text, fields);
    const time = now().toTimeString().slice(0, 8);
    write(colour ? `\x1b[2m${time}\x1b[0m \x1b[${COLOURS[tone]}m${sentence}\x1b[0m\n` : `${time} ${sentence}\n`);
  };
}

function fill(text: string, fields: LogFields): string {
  const filled = text.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(fields[name] ?? ""));
  // Reasons come from the other end, and a terminal obeys what it is shown.
  return filled.replaceAll(/\p{C}/gu, "?").replace(/ \)/, ")");
}
