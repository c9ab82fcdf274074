/** Every command, in the order of `--help`. */
import type { Command } from "./command.ts";
import { configure } from "./configure.ts";
import { doctor } from "./doctor.ts";
import { run } from "./run.ts";
import { unconfigure } from "./unconfigure.ts";

export const COMMANDS: Readonly<Record<string, Command>> = { run, configure, unconfigure, doctor };
