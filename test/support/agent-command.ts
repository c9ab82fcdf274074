/** `tidegate-agent` as a person runs it: a process with a state folder of its own. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { rootFolder } from "../../scripts/paths.ts";

export interface CommandRun {
  /** Resolves with the first match in what it has said. */
  says(pattern: RegExp): Promise<RegExpExecArray>;
  ended: Promise<{ code: number | null; out: string; error: string }>;
  kill(signal: NodeJS.Signals): void;
}

export function agentCommand(state: string, args: string[], env: Record<string, string> = {}, input = ""): CommandRun {
  const { TIDEGATE_ENROLL_TOKEN: _token, ...clean } = process.env;
  const child = spawn(process.execPath, [join(rootFolder, "workspace-agent/cli.ts"), ...args, "--state", state], {
    env: { ...clean, ...env },
  });
  let [out, error] = ["", ""];
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const again of waiting) again();
  };
  child.stdout.on("data", (chunk) => {
    out += String(chunk);
    wake();
  });
  child.stderr.on("data", (chunk) => {
    error += String(chunk);
    wake();
  });
  child.stdin.end(input);
  const ended = new Promise<{ code: number | null; out: string; error: string }>((resolve) =>
    child.on("close", (code) => {
      resolve({ code, out, error });
      wake();
    }),
  );
  return {
    ended,
    kill: (signal) => void child.kill(signal),
    says: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = pattern.exec(out + error);
          if (found !== null) {
            waiting.delete(look);
            resolve(found);
          } else if (child.exitCode !== null) reject(new Error(`it ended and never said ${pattern}: ${out}${error}`));
        };
        waiting.add(look);
        look();
      }),
  };
}
