/** What a service manager is told to run, and what it can do. */

/** Names that the agent reads from its environment and that a shell's export would otherwise be lost with. */
export const SERVICE_VARIABLES = [
  "HTTPS_PROXY",
  "https_proxy",
  "NO_PROXY",
  "no_proxy",
  "NODE_EXTRA_CA_CERTS",
  "TIDEGATE_METRICS_PORT",
] as const;

export interface ServicePlan {
  /** Absolute path of Node. */
  node: string;
  /** Absolute path of the one bundled file. */
  program: string;
  /** The state folder. */
  state: string;
  /** OpenClaw's: written to, besides the state folder. */
  workspaces: readonly string[];
  /** Of {@link SERVICE_VARIABLES}; a proxy's address may hold a password. */
  variables: Readonly<Record<string, string>>;
  /** The account of a service of the whole machine. */
  user: string | null;
}

export interface ServiceFile {
  path: string;
  content: string;
  /** 0o600 where something secret may be in it. */
  mode: number;
}

export interface CommandResult {
  status: number;
  out: string;
  error: string;
}

/** Runs a program without a shell. */
export type Execute = (command: string, args: readonly string[]) => CommandResult;

export interface ServiceManager {
  /** What people call it. */
  readonly name: string;
  files(plan: ServicePlan): ServiceFile[];
  /** Which of them are outside the state folder. */
  readonly unitFiles: readonly string[];
  /** Files are written: starts it, now and at each start of the machine. @returns what a person should know @throws {CommandError} */
  start(plan: ServicePlan): string[];
  /** @throws {CommandError} */
  restart(): void;
  /** Stops it and takes it away; files are removed by the caller. Not there is no error. */
  stop(): void;
  state(): "running" | "stopped" | "absent";
  /** The command that shows its log. */
  logCommand(follow: boolean): [command: string, args: string[]];
}
