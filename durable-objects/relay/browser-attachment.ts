/** What a browser's socket carries through a loss of memory, below 300 bytes (SPEC.md section 6). */
import type { MessageKind } from "#protocol/frame.ts";

export interface BrowserAttachment {
  kind: "browser";
  /** The link its stream belongs to; another link means the stream is gone. */
  link: string;
  stream: number;
  /** Number of the last batch to the agent with a frame of this stream: lost with it, the stream is over. */
  last: number;
  /** Credit window towards this browser. */
  window: number;
  /** Hash of its session's id, and its person's key. */
  session: string;
  person: string;
  /** Credit granted to the agent and not used, and credit left towards the agent. */
  granted: number;
  credit: number;
  /** A message from the browser is only partly sent: lost with this memory. */
  busy: boolean;
  /** A large message that waits at the agent, from OFFER to TAKEN. */
  offered: { kind: MessageKind; bytes: number; attempt: number } | null;
  /** A large message was handed to the socket and its TAKEN is owed. */
  takenDue: boolean;
}
