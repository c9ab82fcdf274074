import { createServer } from "node:net";
import { once } from "node:events";
import { expect, test } from "vitest";
import { requireFreePort } from "../../../scripts/ports.ts";
import { parseStart } from "../../../scripts/start.ts";

const own = {
  OPENCLAW_URL: "http://127.0.0.1:18789",
  OPENCLAW_WORKSPACE: "/srv/workspace",
  OPENCLAW_GATEWAY_PASSWORD: "secret",
};

test("without any variable everything has a default", () => {
  expect(parseStart({}, [])).toMatchObject({ port: 8080, stubUsers: "alice@example.com:admin,bob@example.com" });
});

test.each([
  [{ PORT: "8O80" }, "PORT must be a number from 1 to 65535"],
  [{ PORT: "65536" }, "PORT must be a number from 1 to 65535"],
  [{ STUB_USERS: "bob" }, "STUB_USERS must look like alice@example.com:admin,bob@example.com"],
  [{ STUB_USERS: "bob@example.com:king" }, "STUB_USERS must look like"],
  [{ STUB_USERS: " , " }, "STUB_USERS must look like"],
  [{ ...own, OPENCLAW_URL: "http://10.0.0.1:18789" }, "OPENCLAW_URL must be http on this machine"],
  [{ ...own, OPENCLAW_URL: "http://127.0.0.1.evil.example" }, "OPENCLAW_URL must be http on this machine"],
  [{ ...own, OPENCLAW_URL: "https://127.0.0.1:18789" }, "OPENCLAW_URL must be http on this machine"],
  [{ ...own, OPENCLAW_URL: "18789" }, "OPENCLAW_URL must be http on this machine"],
  [{ ...own, OPENCLAW_WORKSPACE: "" }, "OPENCLAW_URL is set, so OPENCLAW_WORKSPACE is needed"],
  [{ ...own, OPENCLAW_WORKSPACE: "here" }, "OPENCLAW_WORKSPACE must be an absolute path"],
  [{ ...own, OPENCLAW_GATEWAY_PASSWORD: "" }, "OPENCLAW_URL is set, so OPENCLAW_GATEWAY_PASSWORD is needed"],
])("%o is refused in words", (env, text) => {
  expect(() => parseStart(env, [])).toThrow(text);
});

test("an argument nobody knows is named", () => {
  expect(() => parseStart({}, ["--prot"])).toThrow("unknown argument --prot; there are --force and --oidc");
});

test("a port in use is told with who holds it and a command that works", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  try {
    await expect(requireFreePort(port)).rejects.toThrow(
      new RegExp(`^Port ${port} is in use \\(by .+, pid ${process.pid}\\)\\. Try: PORT=\\d+ npm start$`),
    );
  } finally {
    server.close();
  }
});
