/** Every open exchange of the object, found by stream, session or socket; rebuilt from attachments after a loss of memory. */
import { INITIAL_CREDIT_BYTES } from "#protocol/limits.ts";
import type { OpenHead } from "#protocol/frame.ts";
import { browserTags, socketsOf } from "../sockets.ts";
import type { AgentTunnel } from "../tunnel/agent-tunnel.ts";
import type { BrowserAttachment } from "./browser-attachment.ts";
import { HttpRelay } from "./http-relay.ts";
import { LargeMessages } from "./large-messages.ts";
import { Upgrade } from "./upgrade.ts";
import { WebSocketRelay } from "./websocket-relay.ts";

export class Relays {
  #ctx: DurableObjectState;
  #tunnel: AgentTunnel;
  #large: LargeMessages;
  #http = new Set<HttpRelay>();
  #sockets = new Map<WebSocket, WebSocketRelay>();
  #restored = false;
  /** Called when a person's socket closed. */
  #left: (person: string) => void;

  constructor(ctx: DurableObjectState, tunnel: AgentTunnel, left: (person: string) => void) {
    this.#ctx = ctx;
    this.#tunnel = tunnel;
    this.#large = new LargeMessages(tunnel);
    this.#left = left;
  }

  http(head: OpenHead, session: string, request: Request): Promise<Response> {
    const relay = new HttpRelay(this.#tunnel, session, head.method, (done) => this.#http.delete(done));
    this.#http.add(relay);
    return relay.start(head, request.body, request.signal);
  }

  upgrade(head: OpenHead, session: string, person: string, signal: AbortSignal): Promise<Response> {
    const upgrade = new Upgrade(this.#tunnel, signal, (stream, socket) => {
      this.#ctx.acceptWebSocket(socket, browserTags(stream, session, person));
      const relay = this.#relay(socket, {
        kind: "browser",
        link: this.#tunnel.linkId ?? "",
        stream,
        session,
        person,
        granted: INITIAL_CREDIT_BYTES,
        credit: INITIAL_CREDIT_BYTES,
        busy: false,
        offered: null,
        takenDue: false,
      });
      this.#tunnel.adopt(stream, relay);
    });
    return upgrade.start(head);
  }

  /** @returns the relay of a browser's socket, or undefined when its link is over: then the socket is closed */
  of(socket: WebSocket, attachment: BrowserAttachment): WebSocketRelay | undefined {
    const known = this.#sockets.get(socket);
    if (known !== undefined) return known;
    if (attachment.link !== this.#tunnel.linkId) {
      socket.close(1012, "connection to the workspace lost");
      return undefined;
    }
    this.#restoreOffers();
    const relay = this.#sockets.get(socket) ?? this.#relay(socket, attachment);
    this.#tunnel.adopt(attachment.stream, relay);
    if (!attachment.busy) return relay;
    // Part of a message went with the memory; the rest would make no sense to the origin.
    relay.close(1012, "interrupted", 1001);
    return undefined;
  }

  restore(stream: number): WebSocketRelay | undefined {
    const socket = socketsOf(this.#ctx, { stream })[0];
    return socket && this.of(socket, socket.deserializeAttachment() as BrowserAttachment);
  }

  closed(socket: WebSocket, attachment: BrowserAttachment, code: number, reason: string): void {
    this.of(socket, attachment)?.closed(code, reason);
    this.#sockets.delete(socket);
    this.#left(attachment.person);
  }

  /** Ends everything that a session has open: sockets, downloads, uploads. */
  endSession(session: string): void {
    for (const relay of this.#http) if (relay.session === session) relay.cancel("session_ended");
    for (const socket of socketsOf(this.#ctx, { session })) {
      this.of(socket, socket.deserializeAttachment() as BrowserAttachment)?.close(1008, "session ended", 1001);
    }
  }

  /** Closes browser sockets whose stream belongs to another life of the tunnel. */
  endOtherLinks(link: string | undefined): void {
    for (const socket of socketsOf(this.#ctx, "browsers")) {
      const attachment = socket.deserializeAttachment() as BrowserAttachment;
      if (attachment.link === link) continue;
      this.#sockets.delete(socket);
      socket.close(1012, "connection to the workspace lost");
    }
  }

  #relay(socket: WebSocket, attachment: BrowserAttachment): WebSocketRelay {
    const relay = new WebSocketRelay(socket, attachment, this.#tunnel, this.#large);
    this.#sockets.set(socket, relay);
    return relay;
  }

  /** After a loss of memory, offers that were waiting or half taken are asked for again. */
  #restoreOffers(): void {
    if (this.#restored) return;
    this.#restored = true;
    for (const socket of socketsOf(this.#ctx, "browsers")) {
      const attachment = socket.deserializeAttachment() as BrowserAttachment;
      if (attachment.offered === null || attachment.busy || this.#sockets.has(socket)) continue;
      if (attachment.link !== this.#tunnel.linkId) continue;
      const relay = this.#relay(socket, attachment);
      this.#tunnel.adopt(attachment.stream, relay);
      this.#large.offer(relay);
    }
  }
}
