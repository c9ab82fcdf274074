// npm's entry to every script: runs on Node 20 with nothing installed, so it and its neighbours *.mjs import `node:` only.
// usage: node scripts/run.mjs <start|test|reset|check|build|format> [arguments]
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { withFolderLock } from "./folder-lock.mjs";
import { findDiskShortage, runNpm } from "./npm.mjs";

const TASKS = ["start", "test", "reset", "check", "build", "format"];
const OLDEST_LAUNCHER = 20;
/** What OpenClaw 2026.9.6 asks for, the strictest of all we run. */
const WANTED_NODE = "24.16 or a later 24.x, or 26.1 or newer";
const PARENT_CHECK_MS = 500;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stampFile = join(root, "node_modules", ".tidegate-installed");
/** @param {string} line */
const say = (line) => process.stderr.write(`tidegate: ${line}\n`);

/**
 * Can a Node of this version run our sources and OpenClaw?
 * @param {string} version
 */
export function isWantedNode(version) {
  const [major = 0, minor = 0] = version.replace(/^v/, "").split(".").map(Number);
  return (major === 24 && minor >= 16) || (major === 26 && minor >= 1) || major > 26;
}

/**
 * What the installed dependencies were made from; another value means: install again.
 * @param {string | Buffer} lock
 * @param {string} platform
 */
export function installStamp(lock, platform) {
  return createHash("sha256").update(lock).update(platform).digest("hex");
}

/** The Node 24 that npm installed for this machine if it starts, else this one if it fits. */
function findNode() {
  const own = join(root, "node_modules", `node-${process.platform}-${process.arch}`, "bin", "node");
  // It must be started to know: on musl the file is there and cannot run.
  if (existsSync(own) && spawnSync(own, ["--version"]).status === 0) return own;
  return isWantedNode(process.version) ? process.execPath : undefined;
}

function isInstalled() {
  const stamp = installStamp(readFileSync(join(root, "package-lock.json")), `${process.platform}-${process.arch}`);
  return existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp;
}

/** Installs the locked dependencies, or says why not and exits. */
async function install() {
  if (isInstalled()) return;
  const shortage = findDiskShortage(root);
  if (shortage) fail(shortage);
  say("installing dependencies (once; 0.5 GB)");
  const lock = readFileSync(join(root, "package-lock.json"));
  const { exitCode, tail, seconds } = await runNpm(
    root,
    // engine-strict would refuse wrangler on the Node 20 that only launches; Node 24 is what runs it.
    ["ci", "--ignore-scripts", "--include=dev", "--include=optional", "--engine-strict=false"],
    (progress) => say(`  ${progress.packages} packages, ${progress.seconds.toFixed(0)} s`),
  );
  if (exitCode !== 0) fail(`could not install the dependencies (npm exit ${exitCode}):\n${tail}`);
  writeFileSync(stampFile, installStamp(lock, `${process.platform}-${process.arch}`));
  say(`installed in ${seconds.toFixed(1)} s`);
}

/**
 * Runs one script on Node 24 and ends as it ended.
 * @param {string} node
 * @param {string} task
 * @param {string[]} args
 */
function runScript(node, task, args) {
  const path = [dirname(node), join(root, "node_modules", ".bin"), process.env.PATH].join(delimiter);
  const child = spawn(node, [join(root, "scripts", `${task}.ts`), ...args], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, PATH: path },
  });
  for (const signal of /** @type {const} */ (["SIGTERM", "SIGHUP"])) process.on(signal, () => void child.kill(signal));
  // Ctrl-C reaches the child from the terminal; a second copy would look like an impatient user.
  process.on("SIGINT", () => {
    if (!process.stdin.isTTY) child.kill("SIGINT");
  });
  // npm's shell does not pass SIGTERM on: notice that it is gone and stop.
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) child.kill("SIGTERM");
  }, PARENT_CHECK_MS).unref();
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

/**
 * @param {string} line
 * @returns {never}
 */
function fail(line) {
  say(line);
  process.exit(1);
}

async function main() {
  const [task = "", ...args] = process.argv.slice(2);
  if (!TASKS.includes(task)) fail(`usage: npm run <${TASKS.join("|")}>`);
  if (Number(process.versions.node.split(".")[0]) < OLDEST_LAUNCHER) {
    fail(
      `needs Node ${OLDEST_LAUNCHER} or newer to begin; this is ${process.version}. See https://nodejs.org/en/download`,
    );
  }
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) process.once(signal, exitOnSignal);
  if (!isInstalled()) {
    // One installer at a time: two npm runs in one folder destroy each other's files (ENOTEMPTY, ENOENT).
    const lock = join(root, ".tidegate", "install.lock");
    await withFolderLock(lock, (pid) => say(`waiting for another install in this folder (pid ${pid ?? "?"})`), install);
  }
  const node = findNode();
  if (node === undefined) {
    fail(
      `needs Node ${WANTED_NODE}; this is ${process.version} on ${process.platform}-${process.arch}, ` +
        "and the Node that npm can install does not start here.\n" +
        "tidegate: install one (https://nodejs.org/en/download) and run the same command again",
    );
  }
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) process.off(signal, exitOnSignal);
  runScript(node, task, args);
}

/** During an install: `process.exit` runs the exit hooks, which end npm and give the lock back. */
function exitOnSignal() {
  process.exit(130);
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) await main();
