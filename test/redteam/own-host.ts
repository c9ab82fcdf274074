/** T5, T6, T7: a page of the hostile OpenClaw at home, on the host that it shares with the gateway's own routes. */
import { type Act, attemptsOf, frame, READ_WINDOW } from "./acts.ts";
import type { Attempt } from "./attempt.ts";
import { document, Victim } from "./victim.ts";
import type { World } from "./world.ts";

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

/** How far what it does there reaches. */
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

export const OWN_HOST: Attempt[] = [...attemptsOf([...atHome, ...neighbours]), ...farewells];
