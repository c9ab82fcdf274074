/** Every command, in the order of `--help`. */
import type { Command } from "./command.ts";
import { enroll } from "./enroll.ts";
import { install } from "./install.ts";
import { logs } from "./logs.ts";
import { rotateKey } from "./rotate-key.ts";
import { run } from "./run.ts";
import { status } from "./status.ts";
import { upgrade } from "./upgrade.ts";

export const COMMANDS: Readonly<Record<string, Command>> = {
  enroll,
  install,
  status,
  logs,
  upgrade,
  "rotate-key": rotateKey,
  run,
};
