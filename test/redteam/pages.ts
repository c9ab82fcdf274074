/** T5, T6: a page of the hostile OpenClaw in alice's browser acts on the console, on our own routes, on the neighbour. */
import type { Attempt } from "./attempt.ts";
import { document, redirect, Victim } from "./victim.ts";
import type { World } from "./world.ts";

const STAYS = "alice signed in everywhere";

interface Act {
  name: string;
  threat?: string;
  /** What the page gets of it. */
  expected: string;
  /** @returns what the page got */
  act(victim: Victim, world: World): Promise<string>;
}

/** Until it is there: then it can be read, or it cannot. */
const READ_WINDOW =
  "for (;;) { const text = other.document.body?.textContent; if (text) return text; await new Promise((done) => setTimeout(done, 10)) }";

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

async function frame(victim: Victim, url: string): Promise<string> {
  await victim.run(
    `return new Promise((done) => { const f = document.createElement("iframe"); f.onload = () => done("loaded"); f.src = ${JSON.stringify(url)}; document.body.append(f); })`,
  );
  const inner = victim.page.frames().at(-1);
  const text = (await inner?.textContent("body")) ?? "";
  return /Sign out|Console|End everybody|Your session/.test(text)
    ? `shows ${text.trim().slice(0, 40)}`
    : "nothing is shown";
}

/** Our routes on the assistant's own host, where the page is at home. */
const atHome: Act[] = [
  {
    name: "own host: reads who is signed in",
    threat: "T6",
    expected: "createdAt,email,expiresAt,idleExpiresAt,name,role,user of alice",
    act: (victim) =>
      victim.run(
        `const who = await (await fetch("/_gate/session")).json(); return Object.keys(who).sort() + " of " + who.email.split("@")[0]`,
      ),
  },
  {
    name: "own host: reads its cookies",
    threat: "T7",
    expected: "none",
    act: (victim) => victim.run(`return document.cookie || "none"`),
  },
  ...[
    "/_gate/admin",
    "/_gate/api/sessions",
    "/_gate/people",
    "/_gate/revoke-all",
    "/_gate/cli",
    "/_GATE/session",
    "/%5fgate/session",
  ].map((target): Act => ({
    name: `own host: asks ${target}`,
    threat: "T6",
    expected: "404 404",
    act: (victim) =>
      victim.run(
        `const one = await fetch("${target}"); const two = await fetch("${target}", { method: "POST" }); return one.status + " " + two.status`,
      ),
  })),
  {
    name: "own host: frames /_gate/logout",
    threat: "T6",
    expected: "nothing is shown",
    act: (victim, { tenants }) => frame(victim, `${tenants.evil.origin}/_gate/logout`),
  },
  {
    name: "own host: has a service worker at /_gate/",
    threat: "T5",
    expected: "TypeError",
    act: (victim) => victim.run(`return (await navigator.serviceWorker.register("/_gate/sw.js")).scope`),
  },
  {
    name: "own host: has a service worker from a file that somebody sent",
    threat: "T5",
    expected: "TypeError",
    async act(victim, { tenants: { evil } }) {
      const file = evil.openclaw.play(document("", "text/javascript"));
      return victim.run(`return (await navigator.serviceWorker.register("${file}")).scope`);
    },
  },
  {
    name: "own host: has a service worker with a wider scope",
    threat: "T5",
    expected: "SecurityError",
    async act(victim, { tenants: { evil } }) {
      evil.openclaw.playAt(
        "/deep/sw.js",
        document("", "text/javascript").replace("\r\n", "\r\nService-Worker-Allowed: /\r\n"),
      );
      return victim.run(`return (await navigator.serviceWorker.register("/deep/sw.js", { scope: "/" })).scope`);
    },
  },
];

const COOKIES = [
  "tidegate-good=x; Domain=tide.test; Path=/",
  "__Host-tidegate-good=x; Domain=tide.test; Path=/; Secure",
  "__Host-tidegate-good=x; Path=/; Secure",
  "__host-tidegate-good=x; Domain=tide.test; Path=/; Secure",
  "=__Host-tidegate-good=x; Domain=tide.test; Path=/; Secure",
  "__Host-tidegate-good_console=x; Domain=tide.test; Path=/; Secure",
  "tidegate-welcome=x; Domain=tide.test; Path=/",
];

const neighbours: Act[] = [
  {
    name: "neighbour: tosses cookies at it",
    threat: "T5",
    expected: "its page, and alice's session, and OpenClaw there sees none of ours",
    async act(victim, { tenants: { good } }) {
      for (const cookie of COOKIES) await victim.run(`document.cookie = ${JSON.stringify(cookie)}`);
      const target = `/tossed/${crypto.randomUUID()}`;
      await victim.page.goto(good.origin + target);
      const page = (await victim.page.textContent("body")) === good.body ? "its page" : "another page";
      const seen = good.openclaw
        .asked(target)
        .flat()
        .filter(([name, value]) => name.toLowerCase() === "cookie" && /tidegate/i.test(value));
      const session = await victim.page.goto(`${good.origin}/_gate/session`);
      const own = (await session?.text())?.includes("alice@example.com") ? "alice's session" : "another session";
      return `${page}, and ${own}, and OpenClaw there sees ${seen.length === 0 ? "none of ours" : seen.join()}`;
    },
  },
  {
    name: "neighbour: stands between with its own service worker",
    threat: "T5",
    expected: "its page, the neighbour's page, the neighbour's session, the console",
    async act(victim, { tenants: { evil, good } }) {
      const worker = `addEventListener("install", () => skipWaiting()); addEventListener("activate", (e) => e.waitUntil(clients.claim())); addEventListener("fetch", (e) => e.respondWith(new Response("taken over", { headers: { "content-type": "text/html" } })))`;
      evil.openclaw.playAt("/sw.js", document(worker, "text/javascript"));
      await victim.run(
        `const claimed = new Promise((done) => navigator.serviceWorker.addEventListener("controllerchange", done)); await navigator.serviceWorker.register("/sw.js", { scope: "/" }); await claimed`,
      );
      const seen: string[] = [];
      for (const [url, name, text] of [
        [`${evil.origin}/page`, "its page", "taken over"],
        [`${good.origin}/page`, "the neighbour's page", good.body],
        [`${good.origin}/_gate/session`, "the neighbour's session", "alice@example.com"],
        [evil.consoleOrigin, "the console", "Console"],
      ] as const) {
        await victim.page.goto(url);
        const shown = (await victim.page.textContent("body")) ?? "";
        seen.push(shown.includes(text) ? name : `${url}: ${shown.trim().slice(0, 30)}`);
      }
      return seen.join(", ");
    },
  },
  {
    name: "neighbour: widens its own domain",
    threat: "T5",
    expected: "SecurityError",
    act: (victim, { tenants: { good } }) =>
      victim.run(
        `try { document.domain = "tide.test" } catch {} const other = window.open("${good.origin}/page"); ${READ_WINDOW}`,
      ),
  },
];

const acts: Attempt[] = [...sent, ...posted, ...framed, ...atHome, ...neighbours].map(
  ({ name, threat = "T6", expected, act }) => ({
    id: `page/${name}`,
    threat,
    tried: `a page of the hostile OpenClaw, at the ${name}`,
    expected: `${expected}; ${STAYS}`,
    run: (world) => withVictim(world, (victim) => act(victim, world)),
  }),
);

/** What a page can do where it is at home, and how far that goes. These end sessions, so they come last. */
const farewells: Attempt[] = [
  ["/_gate/logout", "assistant"],
  ["/_gate/logout/everywhere", "assistant"],
].map(([target = "", ended = ""]) => ({
  id: `page/own host: posts ${target}`,
  threat: "T6",
  tried: `a page of the hostile OpenClaw, at its own host: posts ${target}`,
  expected: `alice signed out of: ${ended}`,
  async run(world: World) {
    const victim = await Victim.visit(world);
    try {
      await victim.run(`return (await fetch("${target}", { method: "POST" })).status`);
      return `alice signed out of: ${(await victim.signedOutOf()).join(", ")}`;
    } finally {
      await victim.close();
      world.tenants.forget();
    }
  },
}));

async function withVictim(world: World, act: (victim: Victim) => Promise<string>): Promise<string> {
  const victim = await Victim.visit(world);
  try {
    const got = await act(victim);
    const out = await victim.signedOutOf();
    return `${got}; ${out.length === 0 ? STAYS : `alice signed out of: ${out.join(", ")}`}`;
  } finally {
    await victim.close();
  }
}

export const PAGES: Attempt[] = [...acts, ...farewells];
