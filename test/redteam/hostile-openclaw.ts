/** A fake OpenClaw that means harm: it writes bytes on its sockets that no server should, and remembers what it is asked. */
import { createHash } from "node:crypto";
import type { Socket } from "node:net";
import { pairs, type Header } from "../support/http-exchange.ts";
import { startStandInOrigin } from "../support/stand-in-origin.ts";

/** Takes the upgrade, and then does whatever it likes on the WebSocket's connection. */
interface Frames {
  frames: (socket: Socket) => void;
}

/** Bytes, with the end of the connection behind them; whatever it likes on the socket; or, for once, HTTP as it should be. */
type Answer = string | ((socket: Socket) => void) | { body: string } | Frames;

export interface HostileOpenClaw {
  port: number;
  /** @returns a target under `folder` that is answered so, however often */
  play(answer: Answer, folder?: string): string;
  /** As {@link play}, at a target of the caller's. */
  playAt(target: string, answer: Answer): void;
  /** The headers of every request under `target` so far. */
  asked(target: string): Header[][];
  stop(): void;
}

/** @param userHeader as in its agent's settings @param body of everything that nothing was played for */
export async function startHostileOpenClaw(userHeader: string, body: string): Promise<HostileOpenClaw> {
  const answers = new Map<string, Answer>();
  const asked = new Map<string, Header[][]>();
  let played = 0;
  const recall = (target: string): Header[][] => {
    const known = asked.get(target) ?? [];
    asked.set(target, known);
    return known;
  };
  const { port, stop } = await startStandInOrigin({
    userHeader,
    request(request, response) {
      const target = request.url ?? "";
      recall(target).push(pairs(request.rawHeaders));
      const answer = answers.get(target);
      request.resume();
      if (answer === undefined) response.end(body);
      else if (typeof answer === "string") request.socket.end(answer, "latin1");
      else if (typeof answer === "function") answer(request.socket);
      else if ("body" in answer) response.end(answer.body);
      else response.end();
    },
    upgrade(request, socket) {
      const answer = answers.get(request.url ?? "");
      if (typeof answer === "object" && "frames" in answer) {
        socket.on("error", () => undefined).write(accepted(request.headers["sec-websocket-key"] ?? ""));
        answer.frames(socket as Socket);
        return true;
      }
      if (typeof answer !== "string") return false;
      socket.end(answer, "latin1");
      return true;
    },
    socket(socket, request) {
      recall(request.url ?? "").push(pairs(request.rawHeaders));
      socket.send(JSON.stringify({ type: "event", event: "connect.challenge", payload: { nonce: "n", ts: 0 } }));
      socket.on("message", (data) => socket.send(data));
    },
  });
  return {
    port,
    stop,
    play(answer, folder = "") {
      const target = `${folder}/hostile/${played++}`;
      answers.set(target, answer);
      return target;
    },
    playAt: (target, answer) => void answers.set(target, answer),
    asked: recall,
  };
}

/** RFC 6455 section 4.2.2. */
function accepted(key: string): string {
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  const lines = ["Connection: Upgrade", "Upgrade: websocket", `Sec-WebSocket-Accept: ${accept}`];
  return `HTTP/1.1 101 Switching Protocols\r\n${lines.join("\r\n")}\r\n\r\n`;
}
