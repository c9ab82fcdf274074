/** Every command, in the order of `--help`. */
import type { Command } from "./command.ts";
import { run } from "./run.ts";

export const COMMANDS: Readonly<Record<string, Command>> = { run };
