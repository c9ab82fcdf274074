/** `upgrade`: the version that the gateway serves takes this one's place; if it does not connect, this one comes back. */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, rmSync, writeFileSync } from "node:fs";
import { SUBPROTOCOL } from "#protocol/version.ts";
import { downloadAgent, type Manifest, readManifest } from "../enrolment/download.ts";
import { requireCaller } from "../enrolment/enrolled.ts";
import { waitConnected } from "../enrolment/wait-connected.ts";
import { findManager } from "../service/find-manager.ts";
import { forgetPrevious, hashOf, programFile, replaceProgram, restorePrevious } from "../service/program.ts";
import { withLock } from "../state/lock.ts";
import { type Command, CommandError, type CommandContext, done, EXIT, type Outcome } from "./command.ts";

const CONNECT_TIMEOUT_MS = 30_000;
const SELF_TEST_TIMEOUT_MS = 20_000;

export const upgrade: Command = {
  usage: "upgrade",
  summary: "replaces the installed agent by the one that the gateway serves, and restarts the service",
  flags: { system: { type: "boolean" } },
  run: (context) => withLock(context.folder, () => upgradeIn(context)),
};

async function upgradeIn(context: CommandContext): Promise<Outcome> {
  const { say, env, dryRun } = context;
  const { url } = requireCaller(context);
  const file = programFile(env, context.flags["system"] === true);
  if (!existsSync(file)) {
    throw new CommandError("not_installed", `There is no ${file}. Run: tidegate-agent install`, EXIT.config);
  }
  const manifest = await readManifest(url, env);
  if (manifest.protocol !== SUBPROTOCOL) {
    say(`The gateway speaks ${manifest.protocol}, this agent ${SUBPROTOCOL}: it cannot connect until it is upgraded.`);
  }
  if (hashOf(file) === manifest.sha256) {
    say(`Already ${manifest.version}, the gateway's own.`);
    return done({ version: manifest.version, already: true });
  }
  if (dryRun) {
    say(`Would replace ${file} by ${manifest.version}, and restart the service.`);
    return done({ version: manifest.version, dryRun: true });
  }
  // Node takes a file for a module by its name.
  const downloaded = file.replace(/\.mjs$/, ".downloaded.mjs");
  writeFileSync(downloaded, await downloadAgent(url, manifest, env));
  chmodSync(downloaded, 0o644);
  refuseBroken(downloaded, manifest);
  const manager = findManager(context);
  replaceProgram(file, downloaded);
  rmSync(downloaded);
  if (manager !== null && manager.state() !== "absent") {
    manager.restart();
    if (!(await waitConnected(context, CONNECT_TIMEOUT_MS)) && restorePrevious(file)) {
      manager.restart();
      throw new CommandError(
        "upgrade_failed",
        `${manifest.version} did not connect, so the one before is back. Look at: tidegate-agent logs`,
      );
    }
  }
  forgetPrevious(file);
  say(`Upgraded to ${manifest.version}.`);
  return done({ version: manifest.version, already: false });
}

/** Before it is anybody's service it must start on this Node, and be what it says. */
function refuseBroken(file: string, manifest: Manifest): void {
  const { stdout, status } = spawnSync(process.execPath, [file, "--version"], {
    encoding: "utf8",
    timeout: SELF_TEST_TIMEOUT_MS,
  });
  if (status === 0 && stdout.trim() === manifest.version) return;
  throw new CommandError(
    "does_not_start",
    `The new agent does not start on Node ${process.version}. Nothing was changed.`,
  );
}
