/** Processes of the bench, ended together whatever happens. */
import { fork, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Job, Results } from "./load/job.ts";

export class Children {
  readonly #all: ChildProcess[] = [];

  /** Starts one of our files with a channel to it; it ends itself when the channel does. */
  fork(file: string): ChildProcess {
    const child = fork(join(import.meta.dirname, file), { detached: true });
    this.#all.push(child);
    return child;
  }

  /** Starts one of our files and waits for its first line. */
  async spawn(file: string, args: string[]): Promise<ChildProcess> {
    const child = spawn(process.execPath, [join(import.meta.dirname, file), ...args], {
      stdio: ["ignore", "pipe", "inherit"],
      detached: true,
    });
    this.#all.push(child);
    await once(child.stdout, "data");
    return child;
  }

  stop(): void {
    for (const child of this.#all) child.kill("SIGKILL");
  }
}

/** A process that makes load, so that neither clients nor bench wait for each other. */
export class Load {
  readonly #child: ChildProcess;

  constructor(children: Children) {
    this.#child = children.fork("load/load.ts");
  }

  async do<T extends Job["type"]>(job: Extract<Job, { type: T }>): Promise<Results[T]> {
    this.#child.send(job);
    const [answer] = (await once(this.#child, "message")) as [{ result?: Results[T]; error?: string }];
    if (answer.error !== undefined) throw new Error(`${job.type}: ${answer.error}`);
    return answer.result as Results[T];
  }
}
