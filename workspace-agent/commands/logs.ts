/** `logs`: what the service has said, by the service manager's own means. */
import { spawnSync } from "node:child_process";
import { requireManager } from "../service/find-manager.ts";
import { type Command, CommandError, EXIT } from "./command.ts";

export const logs: Command = {
  usage: "logs [--follow]",
  summary: "what the service has said",
  flags: { follow: { type: "boolean" }, system: { type: "boolean" } },
  async run(context) {
    const manager = requireManager(context);
    if (manager.state() === "absent") {
      throw new CommandError("not_installed", "There is no service here. Run: tidegate-agent install", EXIT.config);
    }
    const [command, args] = manager.logCommand(context.flags["follow"] === true);
    const { status } = spawnSync(command, args, { stdio: "inherit" });
    return { exit: status === 0 || status === null ? EXIT.done : EXIT.failed, result: {} };
  },
};
