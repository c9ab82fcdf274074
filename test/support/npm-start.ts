import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { isRunning, listDescendants, processIdOf, signalProcess } from "../../scripts/processes.mjs";

const rootFolder = join(import.meta.dirname, "../..");

type ProcessId = ReturnType<typeof processIdOf>;

/** One `npm start` without npm, whose own banner would stand on stdout; remembers every process it had. */
export class NpmStart {
  readonly #child: ChildProcess;
  readonly #seen = new Map<number, ProcessId>();
  readonly #waiting = new Set<() => void>();
  readonly exited: Promise<number | null>;
  readonly startedAt = performance.now();
  hasExited = false;
  stdout = "";
  stderr = "";

  constructor(env: NodeJS.ProcessEnv, folder = rootFolder) {
    // A group of its own, as a terminal gives to a command: Ctrl-C reaches all of it.
    this.#child = spawn("node", ["scripts/run.mjs", "start"], {
      cwd: folder,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    this.exited = once(this.#child, "close").then(([code]: (number | null)[]) => {
      this.hasExited = true;
      this.#tell();
      return code ?? null;
    });
    for (const name of ["stdout", "stderr"] as const) {
      createInterface({ input: this.#child[name] as NodeJS.ReadableStream }).on("line", (line) => {
        this[name] += `${line}\n`;
        this.look();
        this.#tell();
      });
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Waits for a line on either stream that holds `text`. */
  async line(text: string): Promise<void> {
    while (!`${this.stdout}${this.stderr}`.includes(text)) {
      if (this.hasExited) throw new Error(`ended without "${text}":\n${this.stdout}${this.stderr}`);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** Remembers the processes it has now; those that its run record names too, which outlive it after `kill -9`. */
  look(home?: string): ProcessId[] {
    const found = [processIdOf(this.pid), ...listDescendants(this.pid), ...(home ? recorded(home) : [])];
    for (const { pid, startTime } of found) if (startTime !== undefined) this.#seen.set(pid, { pid, startTime });
    return found;
  }

  /** Of all processes it ever had, those that still run. */
  leftOver(): ProcessId[] {
    return [...this.#seen.values()].filter((id) => isRunning(id));
  }

  /** As Ctrl-C does: the signal reaches the whole group. */
  signalGroup(signal: NodeJS.Signals): void {
    this.look();
    signalProcess(-this.pid, signal);
  }

  signal(signal: NodeJS.Signals): void {
    this.look();
    signalProcess(this.pid, signal);
  }

  /** Ends whatever is left of it, by pid. */
  async destroy(): Promise<void> {
    if (!this.hasExited) this.look();
    for (const { pid } of this.leftOver()) signalProcess(pid, "SIGKILL");
    await this.exited;
  }

  #tell(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

function recorded(home: string): ProcessId[] {
  try {
    const { children } = JSON.parse(readFileSync(join(home, "run.json"), "utf8")) as { children: ProcessId[] };
    return children;
  } catch {
    return [];
  }
}
