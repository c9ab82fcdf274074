import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { findSocketOwner } from "./processes.mjs";
import { ScriptError } from "./script-error.ts";

const LISTEN_STATE = "0A";
const LAST_PORT = 65_535;
const FIRST_QUIET_PORT = 20_000;
const LAST_QUIET_PORT = 32_000;

/** Can a server listen on this address now? */
export async function isPortFree(port: number, host = "127.0.0.1"): Promise<boolean> {
  return (await tryToListen(port, host)) === undefined;
}

/** The system's code for why not; undefined when a server can listen there. */
function tryToListen(port: number, host: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "unknown"));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

/**
 * A port nobody listens on, below those that systems give to outgoing connections (Linux from 32768, others from 49152):
 * one of theirs may be taken by any of these before its server gets to it, and so may its neighbour.
 */
export async function findFreePort(host = "127.0.0.1"): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST_QUIET_PORT, LAST_QUIET_PORT);
    const code = await tryToListen(port, host);
    if (code === undefined) return port;
    if (code !== "EADDRINUSE") throw new ScriptError("port_in_use", `no port can be had on ${host} (${code})`);
  }
}

/** The process that listens on `port`, where /proc tells and this user may see it. */
export function findPortOwner(port: number): { pid: number; name: string } | undefined {
  const wanted = port.toString(16).toUpperCase().padStart(4, "0");
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    for (const line of readLines(table)) {
      const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
      if (state !== LISTEN_STATE || !local?.endsWith(`:${wanted}`) || inode === undefined) continue;
      const owner = findSocketOwner(inode);
      if (owner) return { pid: owner.pid, name: owner.name };
    }
  }
  return undefined;
}

/** @throws {ScriptError} bad_setting | port_in_use, naming who holds it and the command that avoids it */
export async function requireFreePort(port: number): Promise<void> {
  const code =
    (await tryToListen(port, "127.0.0.1")) ?? ((await hasIpv6Loopback()) ? await tryToListen(port, "::1") : undefined);
  if (code === undefined) return;
  if (code === "EACCES") {
    throw new ScriptError("bad_setting", `Port ${port} needs rights you do not have. Try: PORT=8080 npm start`);
  }
  const owner = findPortOwner(port);
  const by = owner ? ` (by ${owner.name}, pid ${owner.pid})` : "";
  throw new ScriptError("port_in_use", `Port ${port} is in use${by}. Try: PORT=${nextPort(port)} npm start`);
}

/** Has this machine an IPv6 loopback? Containers often have none. */
export function hasIpv6Loopback(): Promise<boolean> {
  return isPortFree(0, "::1");
}

/** Reads PORT. @throws {ScriptError} bad_setting */
export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > LAST_PORT)
    throw new ScriptError("bad_setting", `PORT must be a number from 1 to ${LAST_PORT}`);
  return port;
}

/** Another port to suggest. */
export function nextPort(port: number): number {
  return port < LAST_PORT ? port + 1 : port - 1;
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, "latin1").split("\n").slice(1);
  } catch {
    return [];
  }
}
