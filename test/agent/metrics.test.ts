import { request, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { afterEach, expect, test } from "vitest";
import { VERSION } from "#protocol/version.ts";
import { Traffic } from "../../workspace-agent/connection/traffic.ts";
import { agentMetrics, readiness } from "../../workspace-agent/metrics/agent-metrics.ts";
import { exposition } from "../../workspace-agent/metrics/exposition.ts";
import { startMetricsServer } from "../../workspace-agent/metrics/metrics-server.ts";
import { MemoryTunnel } from "./support/memory-tunnel.ts";
import { openHead } from "./support/peer.ts";

let server: Server | undefined;

afterEach(() => server?.close());

const idle = { ready: false, receive: () => {}, sendSome: () => {}, abandon: () => {}, stop: () => {} };

test("the whole text, for a link that was cut and resumed", () => {
  const tunnel = new MemoryTunnel(() => idle);
  tunnel.gateway.send(
    { type: "open", stream: 1, head: openHead({ kind: "ws" }) },
    { type: "open", stream: 2, head: openHead({ user: "alice@example.com" }) },
  );
  tunnel.cut();
  tunnel.connect();
  tunnel.traffic.countEnd(1006);
  tunnel.traffic.countEnd(4408);
  tunnel.traffic.countEnd(4408);
  tunnel.traffic.countEnd(3777);
  const text = exposition(
    agentMetrics({
      link: () => tunnel.tunnel.link,
      traffic: tunnel.traffic,
      denied: { method: 2, parameter: 1, unreadable: 0 },
      originReachable: () => true,
      residentBytes: () => 12_345,
    }),
  );
  const samples = text.split("\n").filter((line) => !line.startsWith("#") && line !== "");
  expect(samples).toEqual([
    `tidegate_agent_build_info{version="${VERSION}"} 1`,
    "tidegate_agent_connected 1",
    "tidegate_agent_active 1",
    'tidegate_agent_streams{kind="http"} 1',
    'tidegate_agent_streams{kind="ws"} 1',
    "tidegate_agent_unacknowledged_bytes 0",
    "tidegate_agent_links_total 1",
    "tidegate_agent_resumes_total 1",
    'tidegate_agent_connection_ends_total{code="1006"} 1',
    'tidegate_agent_connection_ends_total{code="4408"} 2',
    'tidegate_agent_connection_ends_total{code="other"} 1',
    'tidegate_agent_batches_total{direction="in"} 2',
    'tidegate_agent_batches_total{direction="out"} 0',
    expect.stringMatching(/^tidegate_agent_bytes_total\{direction="in"\} \d+$/),
    'tidegate_agent_bytes_total{direction="out"} 0',
    'tidegate_agent_denied_messages_total{reason="method"} 2',
    'tidegate_agent_denied_messages_total{reason="parameter"} 1',
    'tidegate_agent_denied_messages_total{reason="unreadable"} 0',
    "tidegate_agent_origin_reachable 1",
    "process_resident_memory_bytes 12345",
  ]);
  expect(text).not.toContain("alice");
  expect(text).toContain(
    "# HELP tidegate_agent_connected 1 while a proven connection to the gateway is up.\n# TYPE tidegate_agent_connected gauge\n",
  );
});

test("before the first connection everything is zero, and what nobody knows is left out", () => {
  const sources = {
    link: () => null,
    traffic: new Traffic(),
    denied: { method: 0, parameter: 0, unreadable: 0 },
    originReachable: () => null,
    residentBytes: () => 1,
  };
  const text = exposition(agentMetrics(sources));
  expect(text).toContain("\ntidegate_agent_connected 0\n");
  expect(text).not.toContain("origin_reachable");
  expect(text).not.toContain("connection_ends_total");
});

test("readiness says one word for each phase of a link", () => {
  const tunnel = new MemoryTunnel(() => idle);
  const word = () => readiness(tunnel.tunnel.phase).word;
  expect(word()).toBe("ok");
  tunnel.cut();
  expect(word()).toBe("resuming");
  tunnel.connect((wire) => tunnel.gateway.welcome(wire, false));
  expect(word()).toBe("ok");
  tunnel.gateway.send({ type: "roster", stream: 0, version: 1, people: [] });
  tunnel.gateway.send({ type: "open", stream: 1, head: openHead() });
  tunnel.tunnel.leave();
  expect(word()).toBe("draining");
  tunnel.tunnel.link?.end("test");
  expect(word()).toBe("connecting");
});

async function ask(method: string, path: string, ready = true) {
  server = await startMetricsServer(0, {
    metrics: () => [{ name: "a_total", help: "A.", type: "counter", samples: [{ value: 1 }] }],
    readiness: () => (ready ? { ready, word: "ok" } : { ready, word: "connecting" }),
  });
  const { port, address } = server.address() as AddressInfo;
  expect(address).toBe("127.0.0.1");
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; type: string; text: string }>();
  request({ host: "127.0.0.1", port, method, path }, (response) => {
    let text = "";
    response.on("data", (chunk: Buffer) => (text += chunk.toString()));
    response.on("end", () => {
      resolve({ status: response.statusCode ?? 0, type: response.headers["content-type"] ?? "", text });
    });
  })
    .on("error", reject)
    .end();
  return promise;
}

test.each([
  ["GET", "/metrics", true, 200, "# HELP a_total A.\n# TYPE a_total counter\na_total 1\n"],
  ["GET", "/readyz", true, 200, "ok"],
  ["GET", "/readyz", false, 503, "connecting"],
  ["POST", "/metrics", true, 405, "only GET"],
  ["GET", "/", true, 404, "not found"],
  ["GET", "/metrics/../etc", true, 404, "not found"],
])("%s %s (ready: %s) answers %i", async (method, path, ready, status, text) => {
  const answer = await ask(method, path, ready);
  expect(answer).toMatchObject({ status, text });
  expect(answer.type).toMatch(/^text\/plain; (version=0\.0\.4; )?charset=utf-8$/);
});

test("more connections than a scraper needs are dropped", async () => {
  server = await startMetricsServer(0, { metrics: () => [], readiness: () => ({ ready: true, word: "ok" }) });
  const { port } = server.address() as AddressInfo;
  const dropped = Promise.withResolvers<void>();
  const sockets = Array.from({ length: 12 }, () => connect(port, "127.0.0.1").on("close", () => dropped.resolve()));
  for (const socket of sockets) socket.on("error", () => {});
  await dropped.promise;
  for (const socket of sockets) socket.destroy();
});
