/** Every command, in the order of `--help`. */
import type { Command } from "./command.ts";
import { enroll } from "./enroll.ts";
import { rotateKey } from "./rotate-key.ts";
import { run } from "./run.ts";
import { status } from "./status.ts";

export const COMMANDS: Readonly<Record<string, Command>> = {
  enroll,
  status,
  run,
  "rotate-key": rotateKey,
};
