/** Plays the agent's end of the tunnel against the real object: handshake, batches, acknowledgements. */
import { base64Url } from "../../durable-objects/sessions/session-id.ts";
import { AGENT_HEADER, type AgentCall } from "../../durable-objects/rpc.ts";
import type { TenantObject } from "../../durable-objects/tenant-object.ts";
import type { Frame } from "#protocol/frame.ts";
import { Link, NEW_LINK } from "#protocol/link.ts";
import {
  decodeMessage,
  encodeGoaway,
  encodeHello,
  encodeSigned,
  helloTranscript,
  type Challenge,
  type SignedMessage,
} from "#protocol/messages.ts";

export interface FakeAgent {
  socket: WebSocket;
  link: Link;
  /** The link's id, and the streams that RESUMED said are still open; null after WELCOME. */
  id: string;
  live: number[] | null;
  /** Stops acknowledging: batches stay in flight. */
  mute: () => void;
  goaway: () => void;
  /** Resolves when everything that was sent to the object has been handled there. */
  settled: () => Promise<void>;
  /** The next frame of the given type; earlier ones of other types are kept for later. */
  next<T extends Frame["type"]>(type: T): Promise<Extract<Frame, { type: T }>>;
  send(...frames: Frame[]): void;
  closed: Promise<{ code: number; reason: string }>;
}

export async function agentKeys() {
  const pair = (await crypto.subtle.generateKey({ name: "Ed25519" }, true, ["sign", "verify"])) as CryptoKeyPair;
  const raw = (await crypto.subtle.exportKey("raw", pair.publicKey)) as ArrayBuffer;
  return { privateKey: pair.privateKey, publicKey: base64Url(new Uint8Array(raw)) };
}

/**
 * Dials as an agent; `boot` and `attempt` as HELLO tells them, `privateKey` may be a stranger's. With `former` it asks
 * to go on with that one's link, whose connection may be gone or still open.
 */
export async function dialAgent(
  stub: DurableObjectStub<TenantObject>,
  keys: { privateKey: CryptoKey; publicKey: string },
  hello: { boot: number; attempt: number; agent?: string; configured?: boolean } = { boot: 1, attempt: 1 },
  former: FakeAgent | null = null,
): Promise<FakeAgent> {
  const { boot, attempt, agent = "agent-0001", configured = true } = hello;
  const call: AgentCall = { tenant: "default", agent, publicKey: keys.publicKey, configured, host: "gw.example" };
  const response = await stub.fetch("http://gw.example/_gate/tunnel", {
    headers: { upgrade: "websocket", [AGENT_HEADER]: JSON.stringify(call) },
  });
  const socket = response.webSocket;
  if (socket === null) throw new Error(`no upgrade: ${response.status}`);
  socket.binaryType = "arraybuffer";
  const kept: Frame[] = [];
  let wake = () => {};
  let link = former?.link ?? new Link({ ...NEW_LINK }, null);
  let id = "";
  let live: number[] | null = null;
  let muted = false;
  const resume = former && { link: former.id, received: former.link.state.received };
  const send = (message: Uint8Array<ArrayBuffer>) => socket.send(message);
  const welcomed = Promise.withResolvers<void>();
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.addEventListener("close", ({ code, reason }) => {
      resolve({ code, reason });
      welcomed.reject(new Error(`closed ${code} ${reason}`));
    }),
  );
  const prove = async (challenge: SignedMessage<Challenge>) => {
    const { connection, nonce } = challenge.value;
    const json = encodeHello({ boot, attempt, version: "0.1.0", connection, nonce, resume });
    const signature = await crypto.subtle.sign("Ed25519", keys.privateKey, helloTranscript(challenge.json, json));
    socket.send(encodeSigned("hello", json, new Uint8Array(signature)));
  };
  socket.addEventListener("message", ({ data }) => {
    const message = decodeMessage(new Uint8Array(data as ArrayBuffer));
    if (message.type === "challenge") void prove(message.message);
    else if (message.type === "welcome") {
      link = new Link({ ...NEW_LINK }, send);
      id = message.value.link;
      welcomed.resolve();
    } else if (message.type === "resumed") {
      id = former?.id ?? "";
      live = message.value.live;
      link.replayAfter(message.value.received);
      link.skipTo(message.value.next);
      link.reconnect(send);
      welcomed.resolve();
    } else if (message.type === "ack") link.receiveAck(message.ack);
    else if (message.type === "batch") {
      for (const frame of link.receiveBatch(message.number, message.ack, message.body)) {
        // Views on the message: kept beyond this event, so copied.
        kept.push(structuredClone(frame));
      }
      if (!muted) link.flush(true);
      wake();
    }
  });
  socket.accept();
  await welcomed.promise;
  return {
    socket,
    link,
    id,
    live,
    closed,
    mute: () => (muted = true),
    async settled() {
      link.flush(true);
      await stub.readiness();
    },
    goaway: () => socket.send(encodeGoaway(10_000, "shutting_down")),
    send(...frames) {
      for (const frame of frames) link.queue(frame);
      link.flush(true);
    },
    async next<T extends Frame["type"]>(type: T) {
      for (;;) {
        const at = kept.findIndex((frame) => frame.type === type);
        if (at >= 0) return kept.splice(at, 1)[0] as Extract<Frame, { type: T }>;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
  };
}
