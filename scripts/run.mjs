// npm's entry to every script. It must be understood by any Node there is: no imports of `node:`, no top-level await, and
// the rest is loaded only after the version has been looked at (an old Node fails on the imports, before any check).
// usage: node scripts/run.mjs <start|start-rp|test|reset|check|build|format|chaos|bench|compat|tidegate|config-check|config-docs> [arguments]
import { launcherFault } from "./node-version.mjs";

const fault = launcherFault(process.version);
if (fault === undefined) {
  import("./launch.mjs").then(({ launch }) => launch(process.argv.slice(2)));
} else {
  process.stderr.write(`tidegate: ${fault}\n`);
  process.exitCode = 1;
}
