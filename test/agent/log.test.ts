import { expect, test } from "vitest";
import { createSentenceLog } from "../../workspace-agent/log-sentences.ts";
import { createLog } from "../../workspace-agent/log.ts";

const now = () => new Date(2026, 0, 2, 12, 3, 4);

function sentences(colour: boolean): { lines: string[]; log: ReturnType<typeof createSentenceLog> } {
  const lines: string[] = [];
  return { lines, log: createSentenceLog((line) => lines.push(line), colour, now) };
}

test("a person reads a time and a sentence", () => {
  const { lines, log } = sentences(false);
  log("tunnel.connected", { gateway: "gw.example", attempt: 1 });
  log("tunnel.disconnected", { code: 1006, reason: "", delay_ms: 420 });
  log("tunnel.draining");
  expect(lines).toEqual([
    "12:03:04 connected to gw.example\n",
    "12:03:04 not connected (1006), trying again in 420 ms\n",
    "12:03:04 the gateway is about to restart\n",
  ]);
});

test("colour is there only when asked for", () => {
  const { lines, log } = sentences(true);
  log("origin.unreachable");
  expect(lines).toEqual(["\x1b[2m12:03:04\x1b[0m \x1b[33mOpenClaw does not answer\x1b[0m\n"]);
});

test("the other end's words cannot move the cursor, colour the screen or begin a line", () => {
  const { lines, log } = sentences(false);
  log("tunnel.disconnected", { code: 4400, reason: "\x1b[2J\r\nfake \u202e\x9b1m", delay_ms: 1 });
  expect(lines).toEqual(["12:03:04 not connected (4400 ?[2J??fake ??1m), trying again in 1 ms\n"]);
});

test("a program reads one JSON object a line", () => {
  const lines: string[] = [];
  createLog(
    (line) => lines.push(line),
    () => new Date(0),
  )("tunnel.active", { link: "x\ny" });
  expect(lines).toEqual(['{"time":"1970-01-01T00:00:00.000Z","event":"tunnel.active","link":"x\\ny"}\n']);
});
