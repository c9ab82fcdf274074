import { expect, test } from "vitest";
import { parseRelyingParty } from "../../../scripts/start-rp.ts";

const client = ["--client-id", "a", "--client-secret", "b"];

test("the issuer stays as it was typed, with its trailing slash", () => {
  for (const issuer of ["https://op.example/a/", "https://op.example/a"]) {
    expect(parseRelyingParty({}, ["--issuer", issuer, ...client])).toEqual({
      port: 8080,
      issuer,
      clientAuth: "client_secret_basic",
      client: { id: "a", secret: "b" },
    });
  }
});

test("with --register no client is needed", () => {
  expect(parseRelyingParty({ PORT: "9000" }, ["--issuer", "https://op.example", "--register"])).toEqual({
    port: 9000,
    issuer: "https://op.example",
    clientAuth: "client_secret_basic",
  });
});

test.each([
  [client, "--issuer must be the address of an OpenID provider"],
  [["--issuer", "op.example", ...client], "--issuer must be"],
  [["--issuer", "https://op.example"], "--client-id and --client-secret are needed, or --register"],
  [["--issuer", "https://op.example", ...client, "--client-auth", "none"], "--client-auth must be one of"],
])("%j is refused in words", (args, text) => {
  expect(() => parseRelyingParty({}, args)).toThrow(text);
});
