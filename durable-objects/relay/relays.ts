/** Every open exchange of the object, found by stream, session or socket; rebuilt from attachments after a loss of memory. */
import type { Frame, OpenHead } from "#protocol/frame.ts";
import { INITIAL_CREDIT_BYTES } from "#protocol/limits.ts";
import { browserTags, type SocketGroup, socketsOf } from "../sockets.ts";
import type { AgentLink } from "../tunnel/agent-link.ts";
import type { BrowserAttachment } from "./browser-attachment.ts";
import { ByteBudget } from "./byte-budget.ts";
import { HttpRelay } from "./http-relay.ts";
import { LargeMessages } from "./large-messages.ts";
import { type Owner, Upgrade } from "./upgrade.ts";
import { WebSocketRelay } from "./websocket-relay.ts";

export interface RelayEvents {
  /** The link that a stream belongs to, while it is held. */
  findLink(link: string): AgentLink | undefined;
  /** The agent kept a person's message from OpenClaw. */
  denied(person: string, denial: Extract<Frame, { type: "denied" }>): void;
  /** A person's socket closed. */
  left(person: string): void;
}

const LINK_LOST = "connection to the workspace lost";

export class Relays {
  readonly budget = new ByteBudget();
  #ctx: DurableObjectState;
  #events: RelayEvents;
  #large = new LargeMessages();
  #http = new Set<HttpRelay>();
  #upgrades = new Set<Upgrade>();
  #sockets = new Map<WebSocket, WebSocketRelay>();
  #restored = false;

  constructor(ctx: DurableObjectState, events: RelayEvents) {
    this.#ctx = ctx;
    this.#events = events;
  }

  http(link: AgentLink, head: OpenHead, owner: Owner, request: Request, maxBodyBytes: number): Promise<Response> {
    this.restore();
    const relay = new HttpRelay(link, owner, head, maxBodyBytes, (done) => {
      this.#http.delete(done);
      this.budget.releaseWindow(head.credit);
    });
    this.#http.add(relay);
    return relay.start(request.body, request.signal);
  }

  async upgrade(
    link: AgentLink,
    head: OpenHead,
    session: string,
    person: string,
    signal: AbortSignal,
  ): Promise<Response> {
    this.restore();
    const upgrade = new Upgrade(link, { session, person }, head, signal, (stream, last, socket) => {
      this.#ctx.acceptWebSocket(socket, browserTags(stream, session, person));
      const relay = this.#relay(socket, link, {
        kind: "browser",
        link: link.id,
        stream,
        last,
        session,
        person,
        window: head.credit,
        granted: head.credit,
        credit: INITIAL_CREDIT_BYTES,
        busy: false,
        offered: null,
        takenDue: false,
      });
      link.adopt(stream, relay);
    });
    this.#upgrades.add(upgrade);
    const response = await upgrade.start();
    this.#upgrades.delete(upgrade);
    // An accepted socket keeps its window until it closes.
    if (response.webSocket === null) this.budget.releaseWindow(head.credit);
    return response;
  }

  /** @returns the relay of a browser's socket, or undefined when its link is over: then the socket is closed */
  of(socket: WebSocket, attachment: BrowserAttachment): WebSocketRelay | undefined {
    this.restore();
    return this.#sockets.get(socket) ?? this.#revive(socket, attachment);
  }

  /** @returns the relay of a stream that outlived the memory that opened it */
  find(link: AgentLink, stream: number): WebSocketRelay | undefined {
    for (const socket of socketsOf(this.#ctx, { stream })) {
      const attachment = socket.deserializeAttachment() as BrowserAttachment;
      if (attachment.link === link.id) return this.of(socket, attachment);
    }
    return undefined;
  }

  closed(socket: WebSocket, attachment: BrowserAttachment, code: number, reason: string): void {
    this.of(socket, attachment)?.closed(code, reason);
    this.#sockets.delete(socket);
    this.#events.left(attachment.person);
  }

  /** @returns what a person has open: sockets with the upgrades under way, and requests */
  countOf(person: string): { sockets: number; requests: number } {
    let requests = 0;
    for (const relay of this.#http) if (relay.person === person) requests++;
    let sockets = socketsOf(this.#ctx, { person }).length;
    for (const upgrade of this.#upgrades) if (upgrade.person === person) sockets++;
    return { sockets, requests };
  }

  /** @returns the sessions that have something open, asleep or awake */
  openSessions(): Set<string> {
    const sessions = new Set(this.#browsers().map(({ attachment }) => attachment.session));
    for (const relay of this.#http) sessions.add(relay.session);
    return sessions;
  }

  /** Ends everything that a session has open: sockets, upgrades under way, downloads, uploads. */
  endSession(session: string): void {
    for (const relay of this.#http) if (relay.session === session) relay.cancel("session_ended");
    for (const upgrade of this.#upgrades) if (upgrade.session === session) upgrade.cancel("session_ended");
    this.endSockets({ session }, 1008, "session ended");
  }

  /** Closes sockets, asleep or awake: `code` to the browsers, 1001 to OpenClaw. */
  endSockets(group: SocketGroup, code: number, reason: string): void {
    for (const socket of socketsOf(this.#ctx, group)) {
      this.of(socket, socket.deserializeAttachment() as BrowserAttachment)?.close(code, reason, 1001);
    }
  }

  /** Closes the browsers of a link that is over. */
  endLink(link: AgentLink): void {
    this.restore();
    for (const { socket, attachment } of this.#browsers()) {
      if (attachment.link !== link.id) continue;
      this.#sockets.delete(socket);
      this.budget.releaseWindow(attachment.window);
      socket.close(1012, LINK_LOST);
    }
  }

  /** Browsers together take too little: those that hold most in their buffers go first. */
  shedSlowest(): void {
    while (this.budget.isCrowded) {
      const relays = [...this.#sockets.values()];
      const slowest = relays.toSorted((one, other) => other.pendingBytes - one.pendingBytes)[0];
      if (slowest === undefined || slowest.pendingBytes === 0) return;
      slowest.close(1013, "reading too slowly", 1013);
    }
  }

  #revive(socket: WebSocket, attachment: BrowserAttachment): WebSocketRelay | undefined {
    const link = this.#events.findLink(attachment.link);
    if (link === undefined) {
      socket.close(1012, LINK_LOST);
      return undefined;
    }
    // The relay gives its window back when it ends, also that of a socket which closed while this memory was gone.
    this.budget.restoreWindow(attachment.window);
    // Reviving may send something, and then these are of today.
    const { busy, last } = attachment;
    const relay = this.#relay(socket, link, attachment);
    link.inherit(attachment.stream, relay, last);
    if (!busy) return relay;
    // Part of a message went with the memory; the rest would make no sense to the origin.
    relay.close(1012, "interrupted", 1001);
    return undefined;
  }

  #relay(socket: WebSocket, link: AgentLink, attachment: BrowserAttachment): WebSocketRelay {
    const { denied } = this.#events;
    const shared = { large: this.#large, budget: this.budget, denied };
    const relay = new WebSocketRelay(socket, attachment, link, shared);
    this.#sockets.set(socket, relay);
    return relay;
  }

  #browsers(): { socket: WebSocket; attachment: BrowserAttachment }[] {
    return socketsOf(this.#ctx, "browsers").map((socket) => ({
      socket,
      attachment: socket.deserializeAttachment() as BrowserAttachment,
    }));
  }

  /**
   * After a loss of memory, at the first event of any kind: counts the streams and windows that stand, asks again for
   * offers that waited or were half taken, and ends sockets of whose message a part is lost.
   */
  restore(): void {
    if (this.#restored) return;
    this.#restored = true;
    for (const { socket, attachment } of this.#browsers()) {
      if (this.#sockets.has(socket)) continue;
      const relay = this.#revive(socket, attachment);
      if (relay !== undefined && relay.offered !== null) this.#large.offer(relay);
    }
  }
}
