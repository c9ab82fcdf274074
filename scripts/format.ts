import { runTool } from "./tool.ts";

process.exit(await runTool({ tool: "prettier", args: ["--write", "--log-level=warn", "."] }));
