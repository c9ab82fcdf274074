import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

/** Who may import whom (docs/architecture.md). The first match wins; anything else is a violation. */
const ALLOWED: Record<string, RegExp[]> = {
  protocol: [/^\.\//],
  "durable-objects": [/^\.{1,2}\//, /^#protocol\//, /^cloudflare:workers$/],
  worker: [
    /^\.{1,2}\/(?!.*durable-objects)/,
    /durable-objects\/(rpc|tenant-settings)\.ts$/,
    /^#protocol\//,
    /^(hono|valibot|jose|oauth4webapi)(\/|$)/,
  ],
  "workspace-agent": [/^\.{1,2}\//, /^#protocol\//, /^node:/, /^(ws|valibot|https-proxy-agent)$/],
};
/** OpenClaw's own client, only where the agent talks to OpenClaw about people. */
const GATEWAY_CLIENT = /^workspace-agent\/(identity|configure)\//;

function sources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts"))
    .map((file) => join(folder, file));
}

export function violations(file: string, source: string): string[] {
  const folder = file.split("/")[0] ?? "";
  const rules = ALLOWED[folder] ?? [];
  const found: string[] = [];
  for (const [, name] of source.matchAll(/^(?:import|export|\})(?:[^"'\n;]* from)? "([^"]+)"/gm)) {
    if (name === undefined || rules.some((rule) => rule.test(name))) continue;
    if (name.startsWith("@openclaw/gateway-client") && GATEWAY_CLIENT.test(file)) continue;
    found.push(`${file} imports ${name}`);
  }
  return found;
}

test.each(Object.keys(ALLOWED))("%s imports only what its row of the table allows", (folder) => {
  const files = sources(folder);
  expect(files.length).toBeGreaterThan(0);
  expect(files.flatMap((file) => violations(file, readFileSync(file, "utf8")))).toEqual([]);
});

test.each([
  ["protocol/codec.ts", 'import { x } from "node:fs";'],
  ["protocol/codec.ts", 'import { x } from "../worker/app.ts";'],
  ["worker/app.ts", 'import { x } from "../durable-objects/tenant-object.ts";'],
  ["durable-objects/a.ts", 'import { Hono } from "hono";'],
  ["workspace-agent/origin/http.ts", 'import { GatewayClient } from "@openclaw/gateway-client";'],
])("a planted violation in %s is found", (file, source) => {
  expect(violations(file, source)).toHaveLength(1);
});
