/** A checkout of its own: what the deploy reads and writes, with a HOME and a temporary folder inside; nothing outside is touched. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { listDescendants, signalProcess } from "../../scripts/processes.mjs";

const rootFolder = join(import.meta.dirname, "../..");
const COPIED = [
  "worker",
  "durable-objects",
  "protocol",
  "workspace-agent",
  "scripts",
  "package.json",
  "package-lock.json",
  "wrangler.toml",
];

export interface Ended {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

/** One run of an npm script, as npm starts it. */
export class Run {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout = "";
  stderr = "";
  readonly #waiting = new Set<() => void>();
  #hasEnded = false;

  constructor(child: ChildProcess) {
    this.child = child;
    for (const name of ["stdout", "stderr"] as const) {
      createInterface({ input: child[name] as NodeJS.ReadableStream }).on("line", (line) => {
        this[name] += `${line}\n`;
        this.#tell();
      });
    }
    this.ended = once(child, "close").then(([code]: (number | null)[]) => {
      this.#hasEnded = true;
      this.#tell();
      return { exitCode: code ?? null, stdout: this.stdout, stderr: this.stderr };
    });
  }

  /** Waits for a text on either stream. */
  async text(text: string): Promise<void> {
    while (!`${this.stdout}${this.stderr}`.includes(text)) {
      if (this.#hasEnded) throw new Error(`ended without "${text}":\n${this.stdout}${this.stderr}`);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** What its processes were started with. */
  commandLines(): string[] {
    return this.#processes().map((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " "));
  }

  /** As when the machine loses its power: all of it, at once. */
  async kill(): Promise<void> {
    for (const pid of this.#processes()) signalProcess(pid, "SIGKILL");
    await this.ended;
  }

  #processes(): number[] {
    const pid = this.child.pid ?? 0;
    return [pid, ...listDescendants(pid).map((descendant) => descendant.pid)];
  }

  #tell(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

export class Checkout {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
    for (const entry of COPIED) cpSync(join(rootFolder, entry), join(folder, entry), { recursive: true });
    for (const entry of ["config", "home", "tmp", "node_modules/.bin"])
      mkdirSync(join(folder, entry), { recursive: true });
    const installed = join(rootFolder, "node_modules");
    for (const entry of readdirSync(installed)) {
      if (entry !== ".bin") symlinkSync(join(installed, entry), join(folder, "node_modules", entry));
    }
    // Writes down what it was called with.
    const wrangler = join(folder, "node_modules/.bin/wrangler");
    writeFileSync(
      wrangler,
      `#!/bin/sh\necho "$*" >> "${folder}/arguments.log"\nexec "${installed}/.bin/wrangler" "$@"\n`,
    );
    chmodSync(wrangler, 0o755);
    this.writeTenants([]);
  }

  writeTenants(tenants: unknown[]): void {
    this.write("config/tenants.json", JSON.stringify({ tenants }));
  }

  write(path: string, content: string): void {
    writeFileSync(join(this.folder, path), content);
  }

  read(path: string): string {
    return readFileSync(join(this.folder, path), "utf8");
  }

  /** What every wrangler was called with, a line each. */
  get wranglerArguments(): string[] {
    if (!existsSync(join(this.folder, "arguments.log"))) return [];
    return this.read("arguments.log").trim().split("\n");
  }

  start(task: string, args: string[], env: Record<string, string>, input = ""): Run {
    const home = { HOME: join(this.folder, "home"), TMPDIR: join(this.folder, "tmp"), PATH: process.env.PATH ?? "" };
    const child = spawn("node", ["scripts/run.mjs", task, ...args], {
      cwd: this.folder,
      env: { ...home, ...env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    child.stdin.end(input);
    return new Run(child);
  }

  run(task: string, args: string[], env: Record<string, string>, input = ""): Promise<Ended> {
    return this.start(task, args, env, input).ended;
  }

  /** @returns the files, installed packages apart, that hold any of the texts */
  filesWith(texts: readonly string[]): string[] {
    const folders = readdirSync(this.folder).filter((entry) => entry !== "node_modules");
    const files = folders.flatMap((entry) => filesBelow(join(this.folder, entry)));
    return files.filter((file) => texts.some((text) => readFileSync(file).includes(text)));
  }
}

function filesBelow(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  const entries = readdirSync(path, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
}
