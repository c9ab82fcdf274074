// Runs on Node 20 with nothing installed: `node:` imports only, no TypeScript.
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * A process that cannot be confused with a later one that got the same pid.
 * @typedef {{ pid: number, startTime: string | undefined }} ProcessId
 */

/**
 * Reads one line of the process table; undefined when the process is gone or the system has no /proc.
 * @param {number} pid
 */
export function findProcess(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The name stands in parentheses and may hold spaces and parentheses itself: split after the last one.
    const name = stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")"));
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return {
      pid,
      name,
      state: fields[0],
      parentPid: Number(fields[1]),
      groupId: Number(fields[2]),
      startTime: fields[19],
    };
  } catch {
    return undefined;
  }
}

/** Lists every process this user may see; empty where there is no /proc. */
export function listProcesses() {
  /** @type {NonNullable<ReturnType<typeof findProcess>>[]} */
  const found = [];
  let names = [];
  try {
    names = readdirSync("/proc");
  } catch {
    return found;
  }
  for (const name of names) {
    const entry = /^\d+$/.test(name) ? findProcess(Number(name)) : undefined;
    if (entry) found.push(entry);
  }
  return found;
}

/**
 * Every process that descends from `pid`, whatever group or session it made for itself.
 * @param {number} pid
 * @returns {ProcessId[]}
 */
export function listDescendants(pid) {
  const everybody = listProcesses();
  const family = [pid];
  // The list grows while it is walked: children of children join at its end.
  for (const parent of family) {
    for (const entry of everybody) if (entry.parentPid === parent) family.push(entry.pid);
  }
  return everybody.filter((entry) => entry.pid !== pid && family.includes(entry.pid));
}

/**
 * Names a process so that a later look can tell it from a successor with the same pid.
 * @param {number} pid
 * @returns {ProcessId}
 */
export function processIdOf(pid) {
  return { pid, startTime: findProcess(pid)?.startTime };
}

/**
 * Is exactly this process still running? A zombie counts as gone.
 * @param {ProcessId} id
 */
export function isRunning({ pid, startTime }) {
  if (!Number.isInteger(pid) || pid <= 1) return false;
  const entry = findProcess(pid);
  if (entry) return entry.startTime === startTime && entry.state !== "Z";
  // Without /proc a pid alone proves little, but "alive" is the careful answer.
  if (startTime !== undefined) return false;
  return signalProcess(pid, 0);
}

/**
 * Sends a signal; a negative pid means the whole group. Returns false when nobody was there.
 * @param {number} pid
 * @param {NodeJS.Signals | 0} signal
 */
export function signalProcess(pid, signal) {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    // EPERM: it lives, but belongs to someone else.
    return /** @type {NodeJS.ErrnoException} */ (error).code === "EPERM";
  }
}

/**
 * Ends a process, or its group and all descendants: politely first, then for good. Does nothing when it is gone or
 * another one.
 * @param {ProcessId & { group?: boolean }} id
 * @param {number} graceMs
 */
export async function endProcess(id, graceMs) {
  if (!isRunning(id)) return;
  const target = id.group ? -id.pid : id.pid;
  const family = id.group ? listDescendants(id.pid) : [];
  signalProcess(target, "SIGTERM");
  for (const until = Date.now() + graceMs; Date.now() < until && isRunning(id);) await sleep(25);
  if (id.group || isRunning(id)) signalProcess(target, "SIGKILL");
  for (const member of family) if (isRunning(member)) signalProcess(member.pid, "SIGKILL");
  while (isRunning(id)) await sleep(10);
}

/**
 * Finds who holds a socket inode, to say more than "address in use".
 * @param {string} inode
 */
export function findSocketOwner(inode) {
  for (const entry of listProcesses()) {
    try {
      for (const descriptor of readdirSync(`/proc/${entry.pid}/fd`)) {
        if (readlinkSync(`/proc/${entry.pid}/fd/${descriptor}`) === `socket:[${inode}]`) return entry;
      }
    } catch {
      // Another user's process, or one that ended while we looked.
    }
  }
  return undefined;
}
