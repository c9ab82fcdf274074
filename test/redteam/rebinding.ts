/** T16: another site's page points its own name at this computer, where anybody may sign in as anybody. */
import { type Header, exchange } from "../support/http-exchange.ts";
import type { Attempt } from "./attempt.ts";
import type { World } from "./world.ts";

const HOSTS: [name: string, host: (port: string) => string][] = [
  ["another name", (port) => `evil.example:${port}`],
  ["another name without port", () => "evil.example"],
  ["a name that begins like ours", (port) => `localhost.evil.example:${port}`],
  ["a name below ours", (port) => `evil.localhost:${port}`],
  ["ours without port", () => "localhost"],
  ["ours with another port", () => "localhost:1"],
  ["ours with a dot", (port) => `localhost.:${port}`],
  ["ours in capitals", (port) => `LOCALHOST:${port}`],
  ["another loopback address", (port) => `127.0.0.2:${port}`],
  ["an address of every interface", (port) => `0.0.0.0:${port}`],
];

export const REBINDING: Attempt[] = HOSTS.map(([name, hostOf]) => ({
  id: `rebinding/${name}`,
  threat: "T16",
  tried: `development sign-in as alice under ${name}`,
  expected: "refused: 403 or 404, no cookie",
  fits: /^(403|404), no cookie$/,
  async run({ real }: World) {
    const { port } = new URL(real.url);
    const host = hostOf(port);
    const body = Buffer.from("email=alice%40example.com");
    const headers: Header[] = [
      ["Host", host],
      ["Origin", `http://${host}`],
      ["Content-Type", "application/x-www-form-urlencoded"],
      ["Content-Length", String(body.length)],
    ];
    const sent = { method: "POST", target: "/_gate/login", headers, body: [body] };
    const answered = await exchange(Number(port), sent);
    const cookie = answered.headers.some(([header]) => header.toLowerCase() === "set-cookie");
    return `${answered.status}, ${cookie ? "a cookie" : "no cookie"}`;
  },
}));
