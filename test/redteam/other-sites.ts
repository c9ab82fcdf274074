/** T5, T6: a page of the hostile OpenClaw acts on the console, on its neighbour, and on the neighbour's console. */
import { type Act, attemptsOf, frame, READ_WINDOW } from "./acts.ts";
import { redirect } from "./victim.ts";
import type { World } from "./world.ts";

/** What a page can send to another site, and what it gets back. `SITE` is that site. */
const SENT: [name: string, target: string, script: string, expected: string][] = [
  ["reads it by fetch", "READ", `return (await fetch(SITE, { credentials: "include" })).text()`, "TypeError"],
  [
    "reads it without CORS",
    "READ",
    `return "[" + await (await fetch(SITE, { mode: "no-cors", credentials: "include" })).text() + "]"`,
    "[]",
  ],
  [
    "deletes by fetch",
    "READ",
    `return (await fetch(SITE, { method: "DELETE", credentials: "include" })).status`,
    "TypeError",
  ],
  [
    "writes JSON by fetch",
    "WRITE",
    `return (await fetch(SITE, { method: "POST", credentials: "include", headers: { "content-type": "application/json" } })).status`,
    "TypeError",
  ],
  [
    "writes a form without CORS",
    "WRITE",
    `return (await fetch(SITE, { method: "POST", mode: "no-cors", credentials: "include", body: new URLSearchParams({ a: 1 }) })).type`,
    "opaque",
  ],
  ["writes by beacon", "WRITE", `return navigator.sendBeacon(SITE, new URLSearchParams({ a: 1 }))`, "true"],
  [
    "loads it as a script",
    "READ",
    `return new Promise((done) => { const s = document.createElement("script"); s.onload = () => done("loaded " + Object.keys(window).length); s.onerror = () => done("error"); s.src = SITE; document.body.append(s); }).then((said) => said.replace(/loaded.*/, "nothing of it"))`,
    "error",
  ],
  ["opens it and reads the window", "READ", `const other = window.open(SITE); ${READ_WINDOW}`, "SecurityError"],
  [
    "opens a socket",
    "SOCKET",
    `return new Promise((done) => { const s = new WebSocket(SITE); s.onopen = () => done("open"); s.onerror = () => done("error"); })`,
    "error",
  ],
  [
    "listens to its events",
    "READ",
    `return new Promise((done) => { const s = new EventSource(SITE, { withCredentials: true }); s.onopen = () => done("open"); s.onerror = () => done("error"); })`,
    "error",
  ],
];

/** The sites that are acted on: where to read, and what to write. */
const SITES = {
  console: { of: "console", read: "/api/sessions?scope=all", write: "/revoke-all" },
  neighbour: { of: "neighbour", read: "/_gate/session", write: "/_gate/logout/everywhere" },
  "the neighbour's console": { of: "neighbour's console", read: "/api/sessions?scope=all", write: "/revoke-all" },
} as const;

function originOf(site: keyof typeof SITES, { tenants: { evil, good } }: World): string {
  return site === "console" ? evil.consoleOrigin : site === "neighbour" ? good.origin : good.consoleOrigin;
}

const sent: Act[] = (Object.keys(SITES) as (keyof typeof SITES)[]).flatMap((site) => {
  const { read, write } = SITES[site];
  return SENT.map(([name, kind, script, expected]): Act => ({
    name: `${site}: ${name}`,
    threat: site === "console" ? "T6" : "T5",
    expected,
    async act(victim, world) {
      const origin = originOf(site, world);
      const address = kind === "SOCKET" ? origin.replace("https", "wss") : origin + (kind === "READ" ? read : write);
      return victim.run(script.replace("SITE", JSON.stringify(address)));
    },
  }));
});

/** A form that leads the whole tab to the site: its cookies go along, its `Origin` says whose idea that was. */
const form = (action: string) =>
  `const f = document.createElement("form"); f.method = "post"; f.action = ${JSON.stringify(action)}; document.body.append(f); f.submit()`;

const posted: Act[] = (
  [
    ["console", "/revoke-all"],
    ["console", "/cli"],
    ["console", "/everywhere"],
    ["console", "/device"],
    ["console", "/agents/token"],
    ["console", "/agents/agent-of-evil/revoke"],
    ["console", "/_gate/logout"],
    ["console", "/_gate/login"],
    ["neighbour", "/_gate/logout"],
    ["neighbour", "/_gate/logout/everywhere"],
    ["neighbour", "/_gate/login"],
    ["the neighbour's console", "/revoke-all"],
  ] as const
).flatMap(([site, target]): Act[] => [
  {
    name: `${site}: posts a form to ${target}`,
    threat: target.endsWith("login") ? "T12" : site === "console" ? "T6" : "T5",
    expected: "403",
    async act(victim, world) {
      const { status, text } = await victim.leave(form(originOf(site, world) + target));
      return `${status}${text.includes("tgc_") ? " with a token" : ""}`;
    },
  },
  {
    name: `${site}: has its own form redirected to ${target}`,
    threat: target.endsWith("login") ? "T12" : site === "console" ? "T6" : "T5",
    expected: "403",
    async act(victim, world) {
      const { evil } = world.tenants;
      // A write of the Control UI's own, which passes.
      const own = evil.openclaw.play(redirect(originOf(site, world) + target), "/api/chat");
      const { status, text } = await victim.leave(form(evil.origin + own));
      return `${status}${text.includes("tgc_") ? " with a token" : ""}`;
    },
  },
]);

const framed: Act[] = (
  [
    ["console", "/"],
    ["console", "/revoke-all"],
    ["neighbour", "/_gate/logout"],
    ["the neighbour's console", "/"],
  ] as const
).map(([site, target]): Act => ({
  name: `${site}: frames ${target}`,
  threat: site === "console" ? "T6" : "T5",
  expected: "nothing is shown",
  async act(victim, world) {
    return frame(victim, originOf(site, world) + target);
  },
}));

export const OTHER_SITES = attemptsOf([...sent, ...posted, ...framed]);
