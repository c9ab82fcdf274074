// Runs on Node 20 with nothing installed: `node:` imports only, no TypeScript.
import { spawn } from "node:child_process";
import { statfsSync } from "node:fs";
import { basename, delimiter, dirname } from "node:path";
import { createInterface } from "node:readline";

const PROGRESS_INTERVAL_MS = 2000;
const KEPT_LINES = 20;
const QUIET = ["--no-audit", "--no-fund", "--no-progress", "--loglevel=http"];
/** npm's own pauses make somebody without a network wait more than a minute for the news. */
const SHORT_RETRIES = ["--fetch-retries=2", "--fetch-retry-mintimeout=2000", "--fetch-retry-maxtimeout=8000"];
const NEEDED_DISK_BYTES = 3e9;

/** Switches of the user's npm that would change what a nested install does. */
const CHANGES_INSTALLS =
  /^npm_(config_(ignore_scripts|omit|only|production|include|dry_run|global|prefix|location|workspace.*|package_lock.*|engine_strict|offline|local_prefix)|lifecycle_.*|package_.*|command)$/i;

/**
 * The environment for a nested npm: the user's own, without what belongs to the outer npm run.
 * @param {NodeJS.ProcessEnv} env
 * @returns {NodeJS.ProcessEnv}
 */
export function npmEnvironment(env) {
  const kept = Object.entries(env).filter(([name]) => !CHANGES_INSTALLS.test(name) && name !== "NODE_ENV");
  return { ...Object.fromEntries(kept), PATH: [dirname(process.execPath), env.PATH].join(delimiter) };
}

/**
 * The command that runs npm, without a shell where possible.
 * @param {NodeJS.ProcessEnv} env
 * @returns {[command: string, firstArguments: string[]]}
 */
export function npmCommand(env) {
  const outer = env.npm_execpath;
  // npm_execpath may also name another package manager.
  return outer && basename(outer) === "npm-cli.js" ? [process.execPath, [outer]] : ["npm", []];
}

/**
 * Runs npm in `folder`, calling `onProgress` at least every two seconds with the packages fetched so far, and the
 * code of the newest failure while npm tries again.
 * @param {string} folder
 * @param {string[]} args
 * @param {(progress: { packages: number, seconds: number, trouble: string }) => void} onProgress
 * @param {AbortSignal} [signal] ends npm
 * @returns {Promise<{ exitCode: number, tail: string, seconds: number }>}
 */
export async function runNpm(folder, args, onProgress, signal) {
  const [command, first] = npmCommand(process.env);
  const began = performance.now();
  const seconds = () => (performance.now() - began) / 1000;
  const child = spawn(command, [...first, ...args, ...QUIET, ...SHORT_RETRIES], {
    cwd: folder,
    env: npmEnvironment(process.env),
    stdio: ["ignore", "pipe", "pipe"],
    shell: command === "npm" && process.platform === "win32",
    signal,
  });
  let packages = 0;
  let trouble = "";
  /** @type {string[]} */
  const tail = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      if (/http (fetch|cache) .*\.tgz/.test(line)) packages += 1;
      else if (!/http (fetch|cache)/.test(line)) tail.push(line);
      else trouble = /attempt \d+ failed with (\w+)/.exec(line)?.[1] ?? "";
      if (tail.length > KEPT_LINES) tail.shift();
    });
  }
  const timer = setInterval(() => onProgress({ packages, seconds: seconds(), trouble }), PROGRESS_INTERVAL_MS);
  const stop = () => void child.kill("SIGTERM");
  process.once("exit", stop);
  const exitCode = await new Promise((resolve) => {
    child.on("close", (code) => resolve(code ?? 1));
    child.on("error", (error) => {
      tail.push(error.message);
      resolve(127);
    });
  });
  process.off("exit", stop);
  clearInterval(timer);
  return { exitCode, tail: tail.join("\n").trim(), seconds: seconds() };
}

const OFFLINE = /ENOTFOUND|ECONNREFUSED|EAI_AGAIN|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|ECONNRESET/;

/**
 * One line about an install under way.
 * @param {{ packages: number, seconds: number, trouble: string }} progress
 * @param {number} [expected] packages in all
 */
export function describeProgress({ packages, seconds, trouble }, expected) {
  const of = expected === undefined ? "" : `/${expected}`;
  return `${packages}${of} packages, ${seconds.toFixed(0)} s${trouble && ` (${trouble}; npm tries again)`}`;
}

/**
 * Says why npm failed: in words where the cause is outside, else by the end of its own output.
 * @param {number} exitCode
 * @param {string} tail
 */
export function explainNpmFailure(exitCode, tail) {
  if (/ENOSPC|EDQUOT/.test(tail)) return "the disk is full. Make room and run the same command again";
  if (OFFLINE.test(tail)) return "the npm registry cannot be reached. Check the network and run the same command again";
  if (exitCode === 127) return `npm cannot be started (${tail})`;
  return `npm exit ${exitCode}:\n${tail}`;
}

/**
 * Says why there is too little room to install in `folder`; undefined when there is enough.
 * @param {string} folder
 * @param {typeof statfsSync} statfs
 */
export function findDiskShortage(folder, statfs = statfsSync) {
  const { bavail, bsize } = statfs(folder);
  const free = bavail * bsize;
  if (free >= NEEDED_DISK_BYTES) return undefined;
  return `needs 3 GB of free disk (it uses about 1.5 GB with OpenClaw); only ${(free / 1e9).toFixed(1)} GB are free in ${folder}`;
}
