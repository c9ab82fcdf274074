/** Every command, in the order of `--help`. */
import type { Command } from "./command.ts";
import { configure } from "./configure.ts";
import { doctor } from "./doctor.ts";
import { enroll } from "./enroll.ts";
import { install } from "./install.ts";
import { logs } from "./logs.ts";
import { setupOf } from "./setup.ts";
import { rotateKey } from "./rotate-key.ts";
import { run } from "./run.ts";
import { status } from "./status.ts";
import { unconfigure } from "./unconfigure.ts";
import { uninstall } from "./uninstall.ts";
import { upgrade } from "./upgrade.ts";

/** Made of the others: {@link setup} runs them in turn. */
const STEPS = { enroll, configure, doctor, install };

export const COMMANDS: Readonly<Record<string, Command>> = {
  setup: setupOf(STEPS),
  ...STEPS,
  status,
  logs,
  upgrade,
  "rotate-key": rotateKey,
  unconfigure,
  uninstall,
  run,
};
