import { afterAll, beforeAll, expect, test } from "vitest";
import { exchange, pairs, valuesOf } from "../support/http-exchange.ts";
import { USER_HEADER } from "../support/local-gateway.ts";
import { type RecordingOrigin, startRecordingOrigin } from "../support/recording-origin.ts";
import { PERSON, type RunningTunnel, startTunnel } from "../support/running-tunnel.ts";
import { ATTEMPTS, INNER } from "../support/smuggling-attempts.ts";
import { statusesIn, typeBytes } from "../support/typed-connection.ts";

let origin: RecordingOrigin;
let tunnel: RunningTunnel;
let cookie: string;

beforeAll(async () => {
  origin = await startRecordingOrigin();
  tunnel = await startTunnel(origin.port);
  cookie = await tunnel.signIn();
  origin.script("key-outer-", (request, response) => {
    request.resume().on("end", () => response.end());
  });
});

afterAll(async () => {
  await tunnel?.stop();
  origin?.stop();
});

function typed(bytes: string): string {
  const head = `Host: ${tunnel.host}\r\nCookie: ${cookie}\r\nOrigin: ${tunnel.origin}\r\n`;
  return bytes
    .replace("LFHEAD", head.replaceAll("\r\n", "\n"))
    .replace("HEAD", head)
    .replace("HOST", tunnel.host)
    .replace("LENGTH", String(INNER.length))
    .replace("INNER", INNER);
}

test.each(ATTEMPTS)("$name: no second request, no other body", async ({ bytes, statuses, bodies }) => {
  const before = origin.recorded.length;
  const received = await typeBytes(tunnel.port, typed(bytes));
  // Whatever was to come has come: this is behind it on every connection that is shared.
  const headers: [string, string][] = [
    ["Host", tunnel.host],
    ["Cookie", cookie],
  ];
  const sentinel = await exchange(tunnel.port, { method: "GET", target: "/sentinel", headers });
  expect(sentinel.status).toBe(200);
  const arrived = origin.recorded.slice(before).filter(({ target }) => target !== "/sentinel");
  // A request that is cut off is none: an upload is relayed as it comes, so its fault may show when its head is gone.
  const whole = await Promise.all(arrived.map(({ body }) => body.then(String, () => null)));
  expect(statusesIn(received)).toEqual(statuses);
  expect(whole.filter((body) => body !== null)).toEqual(bodies);
  for (const { rawHeaders, target } of arrived) {
    expect(target).not.toContain("inner");
    expect(valuesOf(pairs(rawHeaders), USER_HEADER)).toEqual([PERSON]);
  }
});
