/** `npm run start:rp` as an outside suite meets it: a foreign issuer behind TLS, and a browser without a window. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:https";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findFreePort } from "../../scripts/ports.ts";
import { newSigningKey, type SigningKey } from "../support/fake-provider.ts";
import { trustedCertificate } from "../agent/support/certificate.ts";
import { SignJWT } from "jose";

let server: Server;
let folder: string;
let key: SigningKey;
const asked: string[] = [];
let nonce = "";

beforeAll(async () => {
  key = await newSigningKey("one");
  folder = mkdtempSync(join(tmpdir(), "tidegate-rp-"));
  const certificate = trustedCertificate();
  writeFileSync(join(folder, "ca.pem"), certificate.cert);
  server = createServer(certificate, (incoming, response) => {
    const path = new URL(incoming.url ?? "/", "https://localhost").pathname;
    asked.push(path);
    incoming.resume();
    void answer(path).then((body) =>
      response
        .writeHead(body === undefined ? 404 : 200, { "content-type": "application/json" })
        .end(JSON.stringify(body)),
    );
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Its name ends with a slash, as many of the suite's do. */
const issuer = () => `https://localhost:${(server.address() as AddressInfo).port}/test/a/`;

async function answer(path: string): Promise<unknown> {
  const base = issuer();
  switch (path) {
    case "/test/a/.well-known/openid-configuration":
      return {
        issuer: base,
        authorization_endpoint: `${base}authorize`,
        token_endpoint: `${base}token`,
        userinfo_endpoint: `${base}userinfo`,
        jwks_uri: `${base}jwks`,
        registration_endpoint: `${base}register`,
      };
    case "/test/a/register":
      return { client_id: "registered", client_secret: "secret" };
    case "/test/a/jwks":
      return { keys: [key.jwk] };
    case "/test/a/token": {
      const now = Math.floor(Date.now() / 1000);
      const claims = { iss: base, aud: "registered", sub: "somebody", iat: now, exp: now + 300, nonce };
      const idToken = await new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: "one" }).sign(key.privateKey);
      return { access_token: "a", token_type: "Bearer", id_token: idToken };
    }
    case "/test/a/userinfo":
      return { sub: "somebody" };
    default:
      return undefined;
  }
}

test("it registers, is up, signs in whoever the issuer vouches for, asks UserInfo, and leaves nobody behind", async () => {
  const port = await findFreePort();
  const child = spawn("node", ["scripts/run.mjs", "start-rp", "--issuer", issuer(), "--register"], {
    env: { ...process.env, PORT: String(port), NODE_EXTRA_CA_CERTS: join(folder, "ca.pem") },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const began = performance.now();
  try {
    const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
    expect(line).toBe(`Ready http://localhost:${port}/_gate/login`);
    console.log(
      `the relying party answered after ${Math.round(performance.now() - began)} ms (goal 2000, on a quiet machine)`,
    );
    const left = await get(port, "/_gate/login");
    const location = new URL(left.headers.location ?? "");
    expect(location.href).toMatch(`${issuer()}authorize?`);
    nonce = location.searchParams.get("nonce") ?? "";
    const query = new URLSearchParams({ code: "x", state: location.searchParams.get("state") ?? "" });
    const cookie = left.headers["set-cookie"]?.[0]?.split(";")[0] ?? "";
    const back = await get(port, `/_gate/callback/oidc?${query}`, cookie);
    expect([back.statusCode, back.headers.location]).toEqual([303, "/_gate/welcome"]);
    const session = back.headers["set-cookie"]?.find((value) => value.startsWith("tidegate-default="))?.split(";")[0];
    expect((await get(port, "/_gate/session", session)).statusCode).toBe(200);
    expect(asked.filter((path) => path === "/test/a/userinfo")).toHaveLength(1);
  } finally {
    child.kill("SIGTERM");
    await exited;
  }
});

async function get(port: number, path: string, cookie = "") {
  const headers = { cookie, accept: "text/html", "sec-fetch-mode": "navigate", host: `localhost:${port}` };
  const outgoing = request({ host: "127.0.0.1", port, path, headers, agent: false }).end();
  const [response] = (await once(outgoing, "response")) as [import("node:http").IncomingMessage];
  response.resume();
  return response;
}
