import { expect, test } from "vitest";
import { Interview, interview, parseSetup } from "../../../../scripts/setup/interview.ts";

const FLAGS = [
  "--provider=okta",
  "--issuer=https://acme.okta.com",
  "--client-id=0oa1",
  "--allow=@example.com",
  "--admins=alice@example.com",
];
const discover = () => Promise.resolve({ can: ["code"], lacks: [] });

function answers(args: string[], file: unknown = { tenants: [] }) {
  const talk = new Interview(parseSetup(["--yes", ...args]).flags, undefined);
  return interview(talk, file, { hostKnown: () => Promise.resolve(), discover });
}

test("flags alone are enough; the console has a host of its own beside the people's", async () => {
  expect(await answers(["--host", "https://Claw.example.com/", ...FLAGS])).toEqual({
    host: "claw.example.com",
    consoleHost: "console-claw.example.com",
    preset: "okta",
    issuer: "https://acme.okta.com",
    clientId: "0oa1",
    allow: { emails: [], domains: ["example.com"] },
    admins: { emails: ["alice@example.com"], domains: [] },
  });
});

test("providers that have one issuer for everybody are asked for none", async () => {
  const flags = [
    "--host=claw.example.com",
    "--provider=google",
    "--client-id=x",
    "--allow=a@example.com",
    "--admins=a@example.com",
  ];
  expect((await answers(flags)).issuer).toBe("https://accounts.google.com");
});

test.each<[string, string[], string]>([
  ["no host", FLAGS, "--host is missing"],
  [
    "a host without a domain",
    ["--host=claw", ...FLAGS],
    "--host: expected a host name such as claw.example.com, of a domain that is at Cloudflare",
  ],
  [
    "a host with a port",
    ["--host=claw.example.com:8443", ...FLAGS],
    "--host: expected a host name such as claw.example.com, of a domain that is at Cloudflare",
  ],
  [
    "a console on the people's host",
    ["--host=claw.example.com", "--console-host=claw.example.com", ...FLAGS],
    "--console-host: expected another host: nothing shares the console's",
  ],
  [
    "a provider that nobody knows",
    ["--host=claw.example.com", "--provider=onelogin"],
    "--provider: expected one of google, entra, okta, auth0, keycloak, github, oidc",
  ],
  [
    "a slash too many",
    ["--host=claw.example.com", ...FLAGS, "--issuer=https://acme.okta.com/"],
    "--issuer: expected no slash at the end: Okta spells it without",
  ],
  [
    "everybody's directory",
    ["--host=claw.example.com", ...FLAGS, "--provider=entra", "--issuer=https://login.microsoftonline.com/common/v2.0"],
    "--issuer: expected your own directory's issuer; a common one needs entraTenants, in config/tenants.json by hand",
  ],
  [
    "a client id with a space around it",
    ["--host=claw.example.com", ...FLAGS, "--client-id=\u0007"],
    "--client-id: expected the client id that the provider gave",
  ],
  [
    "nobody is let in",
    ["--host=claw.example.com", ...FLAGS, "--allow= , "],
    "--allow: expected at least one address or domain: nobody comes in by default",
  ],
  [
    "a wildcard",
    ["--host=claw.example.com", ...FLAGS, "--allow=*.example.com"],
    "--allow: expected addresses (alice@example.com) and domains (@example.com), separated by commas",
  ],
  [
    "a domain of administrators",
    ["--host=claw.example.com", ...FLAGS, "--admins=@example.com"],
    "--admins: expected at least one address, such as alice@example.com: administrators are named one by one",
  ],
])("%s is told by its flag", async (_, args, text) => {
  await expect(answers(args)).rejects.toThrow(expect.objectContaining({ code: "bad_setting", message: text }));
});

test("an unknown flag is told by its name", () => {
  expect(() => parseSetup(["--hots", "x"])).toThrow("Unknown option '--hots'; see npm run setup -- --help");
});
