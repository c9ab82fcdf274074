import { AdminGrants, type AdminGrantsOptions } from "../admins/admin-grants.ts";
import type { AgentConfig } from "../config.ts";
import type { Log } from "../log.ts";
import type { IdentityGate } from "../origin/origin.ts";
import { IdentityWriter } from "./identity-writer.ts";
import { createOpenclawClient } from "./openclaw-client.ts";
import { learnProfiles } from "./profiles.ts";
import { RosterFiles, writeRosters } from "./roster-files.ts";
import { WorkspaceFiles } from "./workspace-files.ts";

/** The files that say who somebody is, and the list of OpenClaw's that says who may administer it. */
export function createIdentity(
  config: AgentConfig,
  state: AdminGrantsOptions["state"],
  log: Log,
): { identity: Pick<IdentityWriter, "receive" | "recheck" | "release">; gate: IdentityGate } {
  const now = () => performance.now();
  const rosters = config.workspaces.map(
    (folder) => new RosterFiles(new WorkspaceFiles(folder), config.publicUrl, log, now),
  );
  const { openclawPassword } = config;
  const client =
    openclawPassword === null
      ? null
      : createOpenclawClient(config.openclaw, new URL(config.publicUrl).host, openclawPassword);
  const { grantsAdmins } = config;
  const admins = client === null ? null : new AdminGrants({ client, state, log, now: Date.now, grantsAdmins });
  const writer = new IdentityWriter({
    async writeFiles(people, profiles) {
      admins?.follow(people);
      return writeRosters(rosters, people, profiles);
    },
    async learnProfiles(people) {
      if (client === null) throw new Error("OPENCLAW_GATEWAY_PASSWORD is not set");
      return learnProfiles(client, people, (error) => log("identity.name_not_set", { error: String(error) }));
    },
    log,
    now,
  });
  if (admins === null) return { identity: writer, gate: (head) => writer.gate(head) };
  const identity = {
    receive: writer.receive.bind(writer),
    recheck: () => writer.recheck(),
    release() {
      writer.release();
      admins.release();
    },
  };
  return { identity, gate: gateBoth(writer, admins) };
}

/** Identity first: what it refuses waits for nothing more. */
function gateBoth(identity: IdentityWriter, admins: AdminGrants): IdentityGate {
  return (head) => {
    const written = identity.gate(head);
    if (written === null) return admins.wait(head)?.then(() => "ok" as const) ?? null;
    return written.then(async (result) => {
      if (result === "ok") await admins.wait(head);
      return result;
    });
  };
}
