/** `/metrics` and `/readyz`, for this machine only. */
import { createServer, type Server, type ServerResponse } from "node:http";
import { exposition, type Metric, METRICS_CONTENT_TYPE } from "./exposition.ts";

/** Whoever asks is a scraper beside us: more than a few at once is something else. */
const MAX_CONNECTIONS = 8;
const REQUEST_TIMEOUT_MS = 5_000;
const MAX_HEADER_BYTES = 4 * 1024;

export interface MetricsSource {
  metrics: () => readonly Metric[];
  readiness: () => { ready: boolean; word: string };
}

/** @param port 0 takes a free one @returns the listening server @throws {Error} EADDRINUSE, EACCES */
export async function startMetricsServer(port: number, source: MetricsSource): Promise<Server> {
  const limits = {
    maxHeaderSize: MAX_HEADER_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    headersTimeout: REQUEST_TIMEOUT_MS,
  };
  const server = createServer(limits, (request, response) => {
    const path = request.url?.split("?", 1)[0];
    if (path !== "/metrics" && path !== "/readyz") return answer(response, 404, "not found");
    if (request.method !== "GET") return answer(response.setHeader("Allow", "GET"), 405, "only GET");
    if (path === "/metrics") return answer(response, 200, exposition(source.metrics()), METRICS_CONTENT_TYPE);
    const { ready, word } = source.readiness();
    return answer(response, ready ? 200 : 503, word);
  });
  server.maxConnections = MAX_CONNECTIONS;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(port, "127.0.0.1", resolve);
  await promise;
  return server;
}

function answer(response: ServerResponse, status: number, text: string, type = "text/plain; charset=utf-8"): void {
  // Closed each time: a body that nobody reads must not hold one of few connections.
  response.writeHead(status, { "Content-Type": type, "Cache-Control": "no-store", Connection: "close" }).end(text);
}
