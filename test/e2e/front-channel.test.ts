/** Front-channel logout in Chromium: a provider's page on another site loads the gateway's in a frame. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { chromium, type Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findChromium } from "../../scripts/chromium.ts";
import { settingsFor, Visitor } from "../oidc/visitor.ts";
import { FakeProvider } from "../support/fake-provider.ts";

let browser: Browser;
let provider: FakeProvider;
let server: Server;
let visitor: Visitor;
let gatewayUrl: string;

beforeAll(async () => {
  const found = await findChromium(".tidegate");
  browser = await chromium.launch({
    executablePath: found.executablePath,
    env: { ...process.env, ...found.env } as Record<string, string>,
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
  provider = await FakeProvider.start();
  provider.faults = { claims: (claims) => ({ ...claims, sid: "s-1" }) };
  server = createServer((request, response) => {
    const headers = request.headers as Record<string, string>;
    void visitor.gateway.send(request.url ?? "/", { headers }).then(async (answer) => {
      response.setHeaders(new Headers([...answer.headers].filter(([name]) => name !== "set-cookie")));
      response.setHeader("set-cookie", answer.headers.getSetCookie());
      response.writeHead(answer.status).end(Buffer.from(await answer.arrayBuffer()));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  gatewayUrl = `http://localhost:${(server.address() as AddressInfo).port}`;
  visitor = new Visitor([settingsFor(provider.issuer)], { vars: { PUBLIC_URL: gatewayUrl } });
});

afterAll(async () => {
  await browser?.close();
  server?.closeAllConnections();
  server?.close();
  await provider?.stop();
});

test("the frame of the provider's sign-out page ends the session of this browser, and of no other", async () => {
  const frame = `${gatewayUrl}/_gate/frontchannel-logout?${new URLSearchParams({ iss: provider.issuer, sid: "s-1" })}`;
  // Another site than the gateway's: 127.0.0.1 and localhost have nothing in common for a browser.
  provider.faults.raw = (path, _request, response) => {
    if (path !== "/signed-out") return false;
    response.writeHead(200, { "content-type": "text/html" }).end(`<iframe src="${frame.replaceAll("&", "&amp;")}">`);
    return true;
  };
  const [alice, stranger] = [await browser.newContext(), await browser.newContext()];
  const page = await alice.newPage();
  // The fake provider signs in whoever comes and sends them back at once.
  await page.goto(`${gatewayUrl}/_gate/login`);
  expect((await alice.cookies(frame)).map(({ name }) => name)).toContain("tidegate-front-channel");

  const other = await stranger.newPage();
  await other.goto(`${provider.issuer}/signed-out`);
  expect(await other.frames()[1]?.title()).toBe("Signed out");
  expect(visitor.calls.ended).toEqual([]);

  await page.goto(`${provider.issuer}/signed-out`);
  expect(await page.frames()[1]?.title()).toBe("Signed out");
  expect(visitor.calls.ended).toHaveLength(1);
  expect((await alice.cookies(frame)).map(({ name }) => name)).not.toContain("tidegate-front-channel");
});
