/** The network between an agent and the object: messages in order each way, until somebody cuts it. */
import type { LinkConnection } from "../../workspace-agent/connection/link-output.ts";
import type { PlatformSocket } from "./platform.ts";

type Item =
  | { type: "message"; bytes: Uint8Array<ArrayBuffer>; written: () => void }
  | { type: "close"; code: number; reason: string };

/** One connection. Each side believes in it until it hears otherwise. */
export class Wire implements LinkConnection {
  readonly bufferedAmount = 0;
  readonly toObject: Item[] = [];
  readonly toAgent: Item[] = [];
  /** The object's end; set once it took the upgrade. */
  socket: PlatformSocket | null = null;
  /** The agent has heard of the end, or made it. */
  agentIsGone = false;
  /** Whether the object must still be told of the end. */
  objectIsOwed = false;

  send(bytes: Uint8Array, written: () => void): void {
    if (this.agentIsGone) return;
    this.toObject.push({ type: "message", bytes: new Uint8Array(bytes), written });
  }

  close(code: number, reason: string): void {
    if (this.agentIsGone) return;
    this.agentIsGone = true;
    this.toObject.push({ type: "close", code, reason });
  }

  /** What the object sends and does on its end. */
  readonly peer = {
    message: (data: string | Uint8Array<ArrayBuffer>) => {
      if (typeof data !== "string")
        this.toAgent.push({ type: "message", bytes: new Uint8Array(data), written: () => {} });
    },
    closed: (code: number, reason: string) => {
      this.toAgent.push({ type: "close", code, reason });
    },
  };
}
