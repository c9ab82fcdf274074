/**
 * `openclaw-admins.json` in the state folder: whom this agent made an administrator of OpenClaw. What is not in it is
 * OpenClaw's owner's, and is never taken away.
 */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { writePrivateFile } from "../state/atomic-file.ts";

/** OpenClaw's user string → when they last had something open, in milliseconds since the epoch. */
export type Granted = ReadonlyMap<string, number>;

const Shape = v.record(v.string(), v.number());

/** @returns nobody for a file that is missing or damaged: then nothing is taken away that may be its owner's */
export function readGranted(folder: string): Granted {
  try {
    return new Map(Object.entries(v.parse(Shape, JSON.parse(readFileSync(pathIn(folder), "utf8")))));
  } catch {
    return new Map();
  }
}

export function writeGranted(folder: string, granted: Granted): void {
  writePrivateFile(pathIn(folder), `${JSON.stringify(Object.fromEntries(granted), undefined, 2)}\n`);
}

export function removeGranted(folder: string): void {
  rmSync(pathIn(folder), { force: true });
}

function pathIn(folder: string): string {
  return join(folder, "openclaw-admins.json");
}
