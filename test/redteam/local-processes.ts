/** T24: another process of OpenClaw's own machine, which knows the secret header's name, poses as the gateway. */
import { request } from "node:http";
import type { Attempt } from "./attempt.ts";
import { PEOPLE } from "./real-openclaw.ts";
import type { World } from "./world.ts";

const ADDRESSES = ["127.0.0.1", "127.77.0.2", "127.0.0.2"];

/** What is asked, and with which of the headers that the agent sends. */
const ASKED: [name: string, target: string, headers: (world: World) => Record<string, string>][] = [
  ["with all headers of the agent", "/control-ui-config.json", identity],
  ["for a tool, with all headers of the agent", "/sessions/agent:main:main/history", identity],
  [
    "with the user's header alone",
    "/control-ui-config.json",
    ({ real }) => ({ [real.secrets.userHeader]: PEOPLE.admin }),
  ],
  ["with nothing", "/control-ui-config.json", () => ({})],
  ["with a wrong password", "/control-ui-config.json", () => ({ authorization: "Bearer guessed" })],
];

export const LOCAL: Attempt[] = ADDRESSES.flatMap((localAddress) =>
  ASKED.map(([name, target, headersOf]) => ({
    id: `local/${localAddress} ${name}`,
    threat: "T24",
    tried: `a process at ${localAddress} asks the real OpenClaw ${name}: ${target}`,
    expected: "401 or 403",
    fits: /^40[13]$/,
    run: (world: World) => askDirectly(world, localAddress, target, headersOf(world)),
  })),
);

function identity({ real }: World): Record<string, string> {
  return {
    [real.secrets.userHeader]: PEOPLE.admin,
    "x-forwarded-for": "192.0.2.1",
    "x-forwarded-proto": "http",
    "x-forwarded-host": new URL(real.url).host,
    "x-openclaw-scopes": "operator.admin",
  };
}

function askDirectly(
  { real }: World,
  localAddress: string,
  path: string,
  headers: Record<string, string>,
): Promise<string> {
  const port = real.stack.parts.openclaw?.current.port;
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, localAddress, path, headers, agent: false });
    asked.on("error", reject);
    asked.on("response", (response) => {
      response.resume();
      resolve(String(response.statusCode));
    });
    asked.end();
  });
}
