// Runs on Node 20 with nothing installed, so it and its neighbours *.mjs import `node:` only.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { withFolderLock } from "./folder-lock.mjs";
import { isWantedNode, noNodeText } from "./node-version.mjs";
import { describeProgress, explainNpmFailure, findDiskShortage, runNpm } from "./npm.mjs";
import { explainSystemError } from "./system-error.mjs";

const TASKS = [
  "start",
  "start-rp",
  "test",
  "reset",
  "check",
  "build",
  "build-agent",
  "format",
  "chaos",
  "redteam",
  "bench",
  "compat",
  "tidegate",
  "config-check",
  "config-docs",
  "setup",
  "deploy",
  "rollback",
  "destroy",
];
const PARENT_CHECK_MS = 500;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stampFile = join(root, "node_modules", ".tidegate-installed");
/** @param {string} line */
const say = (line) => process.stderr.write(`tidegate: ${line}\n`);

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
    (progress) => say(`  ${describeProgress(progress)}`),
  );
  if (exitCode !== 0) fail(`could not install the dependencies: ${explainNpmFailure(exitCode, tail)}`);
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

/**
 * Installs what is missing, then runs the task; says in words what stands in the way.
 * @param {string[]} argv
 */
export async function launch(argv) {
  try {
    await prepareAndRun(argv);
  } catch (error) {
    const text = explainSystemError(error);
    if (text === undefined) throw error;
    fail(text);
  }
}

/** @param {string[]} argv */
async function prepareAndRun([task = "", ...args]) {
  if (!TASKS.includes(task)) fail(`usage: npm run <${TASKS.join("|")}>`);
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) process.once(signal, exitOnSignal);
  if (!isInstalled()) {
    // One installer at a time: two npm runs in one folder destroy each other's files (ENOTEMPTY, ENOENT).
    const lock = join(root, ".tidegate", "install.lock");
    await withFolderLock(lock, (pid) => say(`waiting for another install in this folder (pid ${pid ?? "?"})`), install);
  }
  const node = findNode();
  if (node === undefined) fail(noNodeText(process.version, `${process.platform}-${process.arch}`));
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) process.off(signal, exitOnSignal);
  runScript(node, task, args);
}

/** During an install: `process.exit` runs the exit hooks, which end npm and give the lock back. */
function exitOnSignal() {
  process.exit(130);
}
