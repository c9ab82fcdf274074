/** One request by Node's own client, as typed, and what came back, as it came. */
import { once } from "node:events";
import { type Agent, type ClientRequest, type IncomingMessage, request } from "node:http";

/** Name and value, one character a byte. */
export type Header = [name: string, value: string];

export interface Sent {
  method: string;
  target: string;
  /** Sent in this order, and none besides but `Connection`; framing is the caller's too. */
  headers: Header[];
  /** Written piece by piece, each after the one before it left. */
  body?: Buffer[];
}

export interface Answered {
  status: number;
  headers: Header[];
  trailers: Header[];
  body: Buffer;
}

/** What asks for a WebSocket, typed (RFC 6455 section 4.1); the key is the RFC's own. */
export const UPGRADE: Header[] = [
  ["Connection", "Upgrade"],
  ["Upgrade", "websocket"],
  ["Sec-WebSocket-Version", "13"],
  ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="],
];

/** Starts a request whose body the caller writes. */
export function beginExchange(port: number, sent: Omit<Sent, "body">, agent?: Agent): ClientRequest {
  return request({
    host: "127.0.0.1",
    port,
    method: sent.method,
    path: sent.target,
    headers: sent.headers.flat(),
    agent: agent ?? false,
  });
}

/** Sends a whole request. @returns the whole response; rejects when either breaks off */
export async function exchange(port: number, sent: Sent, agent?: Agent): Promise<Answered> {
  const call = beginExchange(port, sent, agent);
  let hasBegun = false;
  call.once("response", () => (hasBegun = true));
  const answered = answerOf(call);
  void writeBody(call, sent.body ?? []);
  return answered.catch((error: NodeJS.ErrnoException) => {
    // A kept connection that the server was closing: what every client sends again on another (RFC 9112 section 9.3.1).
    if (hasBegun || !call.reusedSocket || error.code !== "ECONNRESET") throw error;
    return exchange(port, sent, agent);
  });
}

/** @returns the whole response; rejects when it is cut */
export async function answerOf(call: ClientRequest): Promise<Answered> {
  const [response] = (await once(call, "response")) as [IncomingMessage];
  // An early response ends the exchange while its request still is being written.
  call.on("error", () => undefined);
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  return {
    status: response.statusCode ?? 0,
    headers: pairs(response.rawHeaders),
    trailers: pairs(response.rawTrailers),
    body: Buffer.concat(chunks),
  };
}

/** @returns the values of a header, in order */
export function valuesOf(headers: Header[], name: string): string[] {
  return headers.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value);
}

/** @returns `rawHeaders` of `node:http` in pairs */
export function pairs(raw: string[]): Header[] {
  const headers: Header[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) headers.push([raw[at] ?? "", raw[at + 1] ?? ""]);
  return headers;
}

async function writeBody(call: ClientRequest, pieces: Buffer[]): Promise<void> {
  for (const piece of pieces) {
    // False for a socket that is gone: whoever waits for the answer is told.
    const left = await new Promise<boolean>((resolve) => call.write(piece, (error) => resolve(!error)));
    if (!left) return;
  }
  call.end();
}
