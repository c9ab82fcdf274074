/** All that `doctor` judges by, gathered first: null where it could not be learned or does not apply. */
import type { ProbeAnswer } from "../openclaw/probe.ts";
import type { GatewaySettings } from "../openclaw/settings.ts";
import type { Wanted } from "../openclaw/wanted.ts";

/** Why something could not be learned: a coded error of ours, told as one sentence. */
export interface Trouble {
  code: string;
  message: string;
}

export interface Facts {
  /** process.platform */
  platform: string;
  /** This process's user; null where users have no number. */
  uid: number | null;
  nodeVersion: string;
  state: StateFacts;
  edge: EdgeFacts | null;
  openclaw: OpenClawFacts | Trouble;
  /** What the agent needs of OpenClaw; null before `enroll` and `configure`. */
  wanted: Omit<Wanted, "admins"> | null;
  /** Who says who OpenClaw's administrators are. */
  admins: "roles" | "owner";
  probes: ProbeFacts | null;
  workspace: WorkspaceFacts | Trouble | null;
}

export interface StateFacts {
  folder: string;
  enrolled: boolean;
  configured: boolean;
  /** Sentences. */
  problems: readonly string[];
}

export interface EdgeFacts {
  host: string;
  /** null: it did not answer; `error` says why. */
  status: number | null;
  error: string | null;
  /** Edge's clock minus ours; null without a readable Date header. Good to a second. */
  clockOffsetMs: number | null;
}

export interface OpenClawFacts {
  version: string;
  configPath: string;
  /** Permission bits; null where there are none. */
  configMode: number | null;
  running: boolean;
  /** Whom OpenClaw's process belongs to. */
  uid: number | null;
  settings: GatewaySettings;
  /** Why its configuration cannot be changed by its own commands; null: it can. */
  readOnly: string | null;
  /** Where OPENCLAW_GATEWAY_TOKEN is set. */
  tokenVariable: string | null;
  /** `off`, `non-main` or `all`. */
  sandboxMode: string;
  /** Whether the model has no tool that runs commands. */
  execDenied: boolean;
}

export interface ProbeFacts {
  /** As a person, from the agent's address. */
  asPerson: ProbeAnswer;
  /** From the agent's address, and nobody named. */
  asNobody: ProbeAnswer;
  /** As a person, from another loopback address; null where the agent has none of its own. */
  forged: ProbeAnswer | null;
  /** As the agent itself, by OpenClaw's password; null: let in. */
  backendError: string | null;
  /** Profiles that hold several people's addresses. */
  sharedProfiles: number;
}

export interface WorkspaceFacts {
  /** Those that the agent writes to. */
  folders: readonly string[];
  /** Where agents of OpenClaw's work now that this agent does not write to. */
  unknownFolders: readonly string[];
  unwritable: readonly string[];
  /** Characters of the longest; null: there is none. */
  rootCharacters: number | null;
  /** Personal files that OpenClaw leaves out for their length. */
  tooLong: number;
  /** Paths that are links or no files: OpenClaw refuses them. */
  refused: readonly string[];
}
