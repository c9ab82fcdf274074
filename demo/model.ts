import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { answer, type Answer, type ChatMessage } from "./answer.ts";

/** OpenClaw sends about 60 KB a turn; long histories more. */
const BODY_LIMIT_BYTES = 16 * 1024 * 1024;
const MODEL_ID = "demo";

export interface DemoModelOptions {
  /** 0: a free port. */
  port: number;
  /** Pause between the words of a long story. */
  wordDelayMs?: number;
  /** Awaited before each word of a long story, so that a test can stop one in the middle. */
  beforeWord?: () => Promise<void>;
  /** Sees each conversation the model is asked about. */
  onRequest?: (messages: ChatMessage[]) => void;
}

export interface DemoModel {
  /** What OpenClaw calls its provider's base URL. */
  baseUrl: string;
  port: number;
  stop(): Promise<void>;
}

/** Serves the demo model on loopback, in the shape of OpenAI's chat completions API. */
export async function startDemoModel(options: DemoModelOptions): Promise<DemoModel> {
  const server = createServer((request, response) => {
    serve(request, response, options).catch(() => response.destroy());
  });
  server.listen(options.port, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : options.port;
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    port,
    stop: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function serve(request: IncomingMessage, response: ServerResponse, options: DemoModelOptions): Promise<void> {
  if (request.method === "GET" && request.url === "/v1/models") {
    return sendJson(response, 200, { object: "list", data: [{ id: MODEL_ID, object: "model", owned_by: "tidegate" }] });
  }
  if (request.method !== "POST" || request.url !== "/v1/chat/completions") return sendError(response, 404, "not found");
  const body = await readBody(request);
  if (body === undefined) return sendError(response, 413, "body too large");
  const asked = parseChat(body);
  if (asked === undefined) return sendError(response, 400, "not a chat completion request");
  options.onRequest?.(asked.messages);
  const answered = answer(asked.messages);
  if (asked.stream) await sendStream(response, answered, options);
  else
    sendJson(
      response,
      200,
      completion("chat.completion", { message: { role: "assistant", content: answered.pieces.join("") } }, "stop"),
    );
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.byteLength;
    if (bytes > BODY_LIMIT_BYTES) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

function parseChat(body: string): { messages: ChatMessage[]; stream: boolean } | undefined {
  try {
    const value = JSON.parse(body) as { messages?: unknown; stream?: unknown };
    if (!Array.isArray(value.messages)) return undefined;
    return { messages: value.messages as ChatMessage[], stream: value.stream === true };
  } catch {
    return undefined;
  }
}

async function sendStream(
  response: ServerResponse,
  { pieces, slow }: Answer,
  { wordDelayMs = 20, beforeWord }: DemoModelOptions,
): Promise<void> {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  const send = (data: unknown): boolean => response.write(`data: ${JSON.stringify(data)}\n\n`);
  const chunk = (delta: object, end: string | null): object => completion("chat.completion.chunk", { delta }, end);
  send(chunk({ role: "assistant", content: "" }, null));
  for (const content of pieces) {
    if (slow) await beforeWord?.();
    if (response.destroyed) return;
    if (!send(chunk({ content }, null))) await Promise.race([once(response, "drain"), once(response, "close")]);
    if (slow) await sleep(wordDelayMs);
  }
  send(chunk({}, "stop"));
  response.end("data: [DONE]\n\n");
}

function completion(object: string, choice: object, finishReason: string | null): object {
  return {
    id: "chatcmpl-demo",
    object,
    created: Math.floor(Date.now() / 1000),
    model: MODEL_ID,
    choices: [{ index: 0, ...choice, finish_reason: finishReason }],
    ...(finishReason === null ? {} : { usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } }),
  };
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

function sendError(response: ServerResponse, status: number, message: string): void {
  sendJson(response, status, { error: { message, type: "invalid_request_error" } });
}
