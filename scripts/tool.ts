import { spawn } from "node:child_process";
import { join } from "node:path";
import { rootFolder } from "./paths.ts";

/** One step of a task: a name for people and the tool that does it. */
export interface Step {
  name: string;
  tool: string;
  args: string[];
  env?: Record<string, string>;
}

/** Runs an installed tool in the checkout, its output shown as it comes; resolves to the exit code. */
export function runTool({ tool, args, env }: Omit<Step, "name">): Promise<number> {
  const child = spawn(join(rootFolder, "node_modules", ".bin", tool), args, {
    cwd: rootFolder,
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, ...env },
  });
  const stop = (): void => void child.kill("SIGTERM");
  process.once("exit", stop);
  return new Promise((resolve) => {
    child.on("error", () => resolve(127));
    child.on("close", (code) => {
      process.off("exit", stop);
      resolve(code ?? 1);
    });
  });
}

/** Runs `work`, then prints its name, verdict and time; true when it passed. */
export async function timed(name: string, work: () => Promise<boolean>): Promise<boolean> {
  const began = performance.now();
  const passed = await work().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    return false;
  });
  console.log(`${passed ? "ok  " : "FAIL"} ${name} ${((performance.now() - began) / 1000).toFixed(1)} s`);
  return passed;
}

/** Runs every step, even after a failure, so that one run shows all there is to mend. */
export async function runSteps(steps: Step[]): Promise<boolean> {
  let passed = true;
  for (const step of steps) passed = (await timed(step.name, async () => (await runTool(step)) === 0)) && passed;
  return passed;
}
