/**
 * Every link that this object holds: connected ones in their sockets' attachments, cut ones in a table until they are
 * resumed or their grace is over (SPEC.md section 3.2). Knows where a link is kept; what it means is the tunnel's.
 */
import { FAILOVER_GRACE_MS, RESUME_GRACE_MS } from "#protocol/limits.ts";
import type { AgentAttachment, LinkRecord } from "./agent-attachment.ts";
import type { AgentLink, AgentSocket } from "./agent-link.ts";

export interface HeldLink {
  readonly link: AgentLink;
  /** Null while the connection is lost. */
  socket: WebSocket | null;
  /** When a cut link is over, milliseconds since the epoch. */
  graceUntil: number;
  /** The row as it was written last, so that an event that changes nothing writes nothing. */
  row: string;
}

export class HeldLinks {
  #ctx: DurableObjectState;
  #now: () => number;
  #make: (record: LinkRecord, socket: WebSocket | null) => AgentLink;
  #held: Map<string, HeldLink> | undefined;

  constructor(
    ctx: DurableObjectState,
    now: () => number,
    make: (record: LinkRecord, socket: WebSocket | null) => AgentLink,
  ) {
    this.#ctx = ctx;
    this.#now = now;
    this.#make = make;
  }

  get active(): HeldLink | undefined {
    return this.#find((held) => held.link.record.role === "active");
  }

  get oldestStandby(): HeldLink | undefined {
    const standbys = [...this.#all.values()].filter(({ link }) => link.record.role === "standby");
    return standbys.toSorted((one, other) => one.link.record.since - other.link.record.since)[0];
  }

  get nextDueAt(): number | null {
    const due = [...this.#all.values()].filter(({ socket }) => socket === null).map(({ graceUntil }) => graceUntil);
    return due.length === 0 ? null : Math.min(...due);
  }

  get(link: string): HeldLink | undefined {
    return this.#all.get(link);
  }

  of(socket: WebSocket): HeldLink | undefined {
    return this.#find((held) => held.socket === socket);
  }

  ofAgent(agent: string): HeldLink[] {
    return [...this.#all.values()].filter(({ link }) => link.record.call.agent === agent);
  }

  /** @returns sockets of an agent that has not proved itself yet */
  challenged(agent: string): WebSocket[] {
    return this.#ctx.getWebSockets("agent").filter((socket) => {
      const attachment = socket.deserializeAttachment() as AgentAttachment | null;
      return attachment?.phase === "challenged" && attachment.call.agent === agent;
    });
  }

  overdue(): HeldLink[] {
    return [...this.#all.values()].filter(({ socket, graceUntil }) => socket === null && graceUntil <= this.#now());
  }

  add(record: LinkRecord, socket: WebSocket): HeldLink {
    const held = this.#hold(record, socket);
    this.#store(held);
    return held;
  }

  /** A cut link goes on over a new connection. */
  connect(held: HeldLink, socket: WebSocket): void {
    held.socket = socket;
    held.link.reconnect(socket);
    this.#forgetRow(held);
    this.#store(held);
  }

  /** Keeps a link without a connection; `briefly` when another one can serve, and never longer than before. */
  cut(held: HeldLink, briefly: boolean): void {
    const until = this.#now() + (briefly ? FAILOVER_GRACE_MS : RESUME_GRACE_MS);
    const { socket } = held;
    held.graceUntil = socket === null && held.row !== "" ? Math.min(held.graceUntil, until) : until;
    held.socket = null;
    held.link.disconnect();
    this.#store(held);
  }

  remove(held: HeldLink): void {
    this.#all.delete(held.link.id);
    if (held.socket !== null) this.retire(held.socket);
    this.#forgetRow(held);
  }

  /** Whatever still comes from this socket changes nothing. */
  retire(socket: WebSocket): void {
    socket.serializeAttachment({ kind: "agent", phase: "over" } satisfies AgentAttachment);
  }

  flush(): void {
    for (const { link } of this.#held?.values() ?? []) link.flush();
  }

  /** Stores a link's counters where they outlive this memory. */
  store(link: AgentLink): void {
    const held = this.#held?.get(link.id);
    if (held?.link === link) this.#store(held);
  }

  lastPing(socket: AgentSocket): number {
    return this.#ctx.getWebSocketAutoResponseTimestamp(socket as WebSocket)?.getTime() ?? 0;
  }

  get #all(): Map<string, HeldLink> {
    if (this.#held !== undefined) return this.#held;
    const held = (this.#held = new Map<string, HeldLink>());
    for (const socket of this.#ctx.getWebSockets("agent")) {
      const attachment = socket.deserializeAttachment() as AgentAttachment | null;
      if (attachment?.phase !== "linked") continue;
      const open = socket.readyState === WebSocket.OPEN;
      // Closed while nobody was awake: its close event is under way, and says what becomes of it.
      if (open || !held.has(attachment.record.link)) this.#hold(attachment.record, open ? socket : null);
    }
    for (const { json, grace_until } of this.#ctx.storage.sql.exec<{ json: string; grace_until: number }>(
      "SELECT json, grace_until FROM cut_links",
    )) {
      const record = JSON.parse(json) as LinkRecord;
      if (held.has(record.link)) continue;
      const cut = this.#hold(record, null);
      cut.graceUntil = grace_until;
      cut.row = rowOf(cut.graceUntil, json);
    }
    return held;
  }

  #hold(record: LinkRecord, socket: WebSocket | null): HeldLink {
    const link = this.#make(record, socket);
    const held: HeldLink = { link, socket, graceUntil: this.#now() + RESUME_GRACE_MS, row: "" };
    this.#all.set(record.link, held);
    return held;
  }

  #store(held: HeldLink): void {
    const { record } = held.link;
    if (held.socket !== null) {
      const attachment: AgentAttachment = { kind: "agent", phase: "linked", record };
      if (held.socket.readyState === WebSocket.OPEN) held.socket.serializeAttachment(attachment);
      return;
    }
    const json = JSON.stringify(record);
    const row = rowOf(held.graceUntil, json);
    if (row === held.row) return;
    held.row = row;
    this.#ctx.storage.sql.exec(
      `INSERT INTO cut_links (link, json, grace_until) VALUES (?, ?, ?)
       ON CONFLICT (link) DO UPDATE SET json = excluded.json, grace_until = excluded.grace_until`,
      record.link,
      json,
      held.graceUntil,
    );
  }

  #forgetRow(held: HeldLink): void {
    if (held.row !== "") this.#ctx.storage.sql.exec("DELETE FROM cut_links WHERE link = ?", held.link.id);
    held.row = "";
  }

  #find(matches: (held: HeldLink) => boolean): HeldLink | undefined {
    for (const held of this.#all.values()) if (matches(held)) return held;
    return undefined;
  }
}

function rowOf(graceUntil: number, json: string): string {
  return `${graceUntil} ${json}`;
}
