/** T20: OpenClaw's own credentials in an address or a header of somebody who is not signed in. */
import type { Attempt } from "./attempt.ts";
import type { World } from "./world.ts";

/** Before OpenClaw, with a session and without: credentials in an address are refused, and open nothing. */
const QUERIES = ["password", "access_token", "api_key", "APIKEY", "%61ccess_token", "bearer", "jwt", "client_secret"];
const queries: Attempt[] = QUERIES.flatMap((name) =>
  ["/", "/_gate/session", "/control-ui-config.json"].map((path) => ({
    id: `credential/${path}?${name}`,
    threat: "T20",
    tried: `OpenClaw's password in the address, as ${path}?${name}=`,
    expected: "400",
    async run({ real }: World) {
      const response = await fetch(`${real.url}${path}?${name}=${real.secrets.gatewayPassword}`, {
        redirect: "manual",
      });
      return String(response.status);
    },
  })),
);
const tickets: Attempt[] = ["/control-ui-config.json", "/api/users", "/sessions/agent:main:main/history"].map(
  (path) => ({
    id: `credential/${path}?token`,
    threat: "T20",
    tried: `${path}?token= with OpenClaw's password, without a session`,
    expected: "401",
    async run({ real }: World) {
      const { gatewayPassword } = real.secrets;
      const headers = { authorization: `Bearer ${gatewayPassword}`, "sec-fetch-mode": "cors" };
      const response = await fetch(`${real.url}${path}?token=${gatewayPassword}`, { redirect: "manual", headers });
      return String(response.status);
    },
  }),
);

export const QUERY_ATTEMPTS: Attempt[] = [...queries, ...tickets];
