/** openclaw.json as values, with its secrets: read by OpenClaw itself, which alone knows the language of the file. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CommandError } from "../commands/command.ts";
import type { OpenClawCli } from "./openclaw-cli.ts";

/**
 * Has OpenClaw write a copy anew as plain JSON, its own migrations applied.
 * @throws {CommandError} openclaw_failed
 */
export async function readAuthored(cli: OpenClawCli, bytes: Uint8Array): Promise<unknown> {
  // For this user alone, as mkdtemp makes it.
  const folder = mkdtempSync(join(tmpdir(), "tidegate-config-"));
  try {
    const path = join(folder, "openclaw.json");
    writeFileSync(path, bytes, { mode: 0o600 });
    const { exit } = await cli.run(["config", "patch", "--stdin"], {
      stdin: JSON.stringify({ gateway: {} }),
      env: { OPENCLAW_CONFIG_PATH: path, OPENCLAW_STATE_DIR: join(folder, "state") },
    });
    if (exit !== 0) throw new CommandError("openclaw_failed", "OpenClaw cannot read a copy of its configuration.");
    return JSON.parse(readFileSync(path, "utf8"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
