/** The sockets seam: who is connected, asked of the platform's tags, which outlive memory. */

export type SocketGroup = { session: string } | { person: string } | { stream: number } | "browsers" | "agent";

/** Tags of one browser socket: at most 10 of 256 characters (facts/workers section 3.1). */
export function browserTags(stream: number, session: string, person: string): string[] {
  return ["browser", `st:${stream}`, `s:${session}`, `u:${person}`];
}

/** @returns the open sockets of a group; closing ones are listed by the platform, and left out here */
export function socketsOf(ctx: DurableObjectState, group: SocketGroup): WebSocket[] {
  return ctx.getWebSockets(tagOf(group)).filter((socket) => socket.readyState === WebSocket.OPEN);
}

function tagOf(group: SocketGroup): string {
  if (group === "browsers") return "browser";
  if (group === "agent") return "agent";
  if ("session" in group) return `s:${group.session}`;
  if ("person" in group) return `u:${group.person}`;
  return `st:${group.stream}`;
}
