/** Counts the starts of this key, so that the newest process wins when two run with copies of it (SPEC.md section 4). */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** @returns this start's number: the stored one plus 1, stored before it is used @throws {Error} when it cannot be kept */
export function nextBoot(folder: string): number {
  const file = join(folder, "boot");
  const boot = readBoot(file) + 1;
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, `${boot}\n`, { mode: 0o600 });
  renameSync(temporary, file);
  return boot;
}

function readBoot(file: string): number {
  let text: string;
  try {
    text = readFileSync(file, "utf8").trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return 0;
    throw error;
  }
  // A damaged counter must not start again at 1: the gateway would take this process for an old one for ever.
  if (!/^\d{1,15}$/.test(text)) throw new Error(`${file} does not hold a number`);
  return Number(text);
}
