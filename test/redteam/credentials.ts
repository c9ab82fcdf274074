/** T5, T6, T7, T12, T20: cookies and tokens where they are good for nothing, and what they leave behind. */
import { type Header, valuesOf } from "../support/http-exchange.ts";
import type { Attempt } from "./attempt.ts";
import { type TenantSite, type TwoTenants, valueOf } from "./two-tenants.ts";
import type { World } from "./world.ts";

const ALICE = "alice@example.com";

/** Where a credential is shown, and what the answer is when it is good for nothing. */
type Shown = { at: string; target: string; headers: Header[]; method?: string };

interface Misuse {
  name: string;
  threat: string;
  /** @returns where something is shown that is no credential there */
  show(tenants: TwoTenants): Promise<Shown>;
}

/** The console's cookie of alice, who is an administrator. */
const atConsole = ({ known }: TwoTenants, site: TenantSite) => known(site.consoleOrigin, ALICE);
const cookie = (name: string, value: string): Header => ["Cookie", `${name}=${value}`];

const MISUSES: Misuse[] = [
  {
    name: "a session of one tenant at the other",
    threat: "T5",
    show: async ({ evil, good }) => ({ at: good.origin, target: "/page", headers: [["Cookie", evil.bob]] }),
  },
  {
    name: "a session of one tenant under the other's name",
    threat: "T5",
    show: async ({ evil, good }) => {
      return { at: good.origin, target: "/page", headers: [cookie("__Host-tidegate-good", valueOf(evil.bob))] };
    },
  },
  {
    name: "the same at the neighbour's own pages",
    threat: "T5",
    show: async ({ evil, good }) => {
      return {
        at: good.origin,
        target: "/_gate/session",
        headers: [cookie("__Host-tidegate-good", valueOf(evil.bob))],
      };
    },
  },
  {
    name: "a session of the assistant at the console",
    threat: "T6",
    show: async ({ evil, known }) => {
      const assistant = await known(evil.origin, ALICE);
      const headers = [cookie("__Host-tidegate-evil_console", valueOf(assistant))];
      return { at: evil.consoleOrigin, target: "/api/me", headers };
    },
  },
  {
    name: "a session of the assistant as a token of the command line",
    threat: "T20",
    show: async ({ evil }) => {
      const headers: Header[] = [["Authorization", `Bearer tgc_${valueOf(evil.bob)}`]];
      return { at: evil.consoleOrigin, target: "/api/me", headers };
    },
  },
  {
    name: "a session of the console as a token of the command line",
    threat: "T20",
    show: async (tenants) => {
      const headers: Header[] = [["Authorization", `Bearer tgc_${valueOf(await atConsole(tenants, tenants.evil))}`]];
      return { at: tenants.evil.consoleOrigin, target: "/api/me", headers };
    },
  },
  {
    name: "a session of the console at the assistant",
    threat: "T6",
    show: async (tenants) => {
      const headers = [cookie("__Host-tidegate-evil", valueOf(await atConsole(tenants, tenants.evil)))];
      return { at: tenants.evil.origin, target: "/page", headers };
    },
  },
  {
    name: "one tenant's administrator at the other's console",
    threat: "T5",
    show: async (tenants) => {
      const mine = valueOf(await tenants.signIn(tenants.evil.consoleOrigin, "mallory@example.com"));
      const headers = [cookie("__Host-tidegate-good_console", mine)];
      return { at: tenants.good.consoleOrigin, target: "/api/sessions?scope=all", headers };
    },
  },
  ...["", "A", "AAAA", ".".repeat(300), "=".repeat(80)].map((text): Misuse => ({
    name: `a cookie that is ${JSON.stringify(text.slice(0, 8))}`,
    threat: "T7",
    show: async ({ good }) => ({ at: good.origin, target: "/page", headers: [cookie("__Host-tidegate-good", text)] }),
  })),
  ...[0, 1, 2, 3, 12, 40, -1, -40].map((at): Misuse => ({
    name: `a cookie with another character at ${at}`,
    threat: "T7",
    show: async ({ good }) => {
      const value = valueOf(good.bob);
      const index = at < 0 ? value.length + at : at;
      const changed = value.slice(0, index) + (value[index] === "A" ? "B" : "A") + value.slice(index + 1);
      return { at: good.origin, target: "/page", headers: [cookie("__Host-tidegate-good", changed)] };
    },
  })),
  {
    name: "the cookie without its prefix",
    threat: "T7",
    show: async ({ good }) => {
      return { at: good.origin, target: "/page", headers: [cookie("tidegate-good", valueOf(good.bob))] };
    },
  },
  {
    name: "a thief's copy after its owner signed out",
    threat: "T7",
    show: async ({ good, signIn, ask }) => {
      const stolen = await signIn(good.origin, ALICE);
      await ask(good.origin, "POST", "/_gate/logout", [
        ["Cookie", stolen],
        ["Origin", good.origin],
      ]);
      return { at: good.origin, target: "/page", headers: [["Cookie", stolen]] };
    },
  },
  {
    name: "a thief's copy after an administrator ended it",
    threat: "T7",
    show: async (tenants) => {
      const { good, signIn, ask } = tenants;
      const stolen = await signIn(good.origin, "mallory@example.com");
      const admin: Header[] = [
        ["Cookie", await atConsole(tenants, good)],
        ["Origin", good.consoleOrigin],
      ];
      const list = await ask(good.consoleOrigin, "GET", "/api/people", admin);
      const { items } = JSON.parse(String(list.body)) as { items: { key: string; email: string }[] };
      const key = items.find(({ email }) => email === "mallory@example.com")?.key ?? "";
      await ask(good.consoleOrigin, "POST", `/api/people/${key}/revoke`, admin);
      return { at: good.origin, target: "/page", headers: [["Cookie", stolen]] };
    },
  },
  {
    name: "a session that was put into the browser before sign-in",
    threat: "T12",
    show: async ({ good, signIn, ask }) => {
      const planted = await signIn(good.origin, "mallory@example.com");
      const form: Header[] = [
        ["Cookie", planted],
        ["Origin", good.origin],
        ["Content-Type", "application/x-www-form-urlencoded"],
      ];
      await ask(good.origin, "POST", "/_gate/login", form, `email=${encodeURIComponent(ALICE)}`);
      return { at: good.origin, target: "/page", headers: [["Cookie", planted]] };
    },
  },
];

const misuses: Attempt[] = MISUSES.map(({ name, threat, show }) => ({
  id: `credential/${name}`,
  threat,
  tried: name,
  expected: "401",
  async run({ tenants }: World) {
    const { at, target, headers, method = "GET" } = await show(tenants);
    const { status } = await tenants.ask(at, method, target, headers);
    return String(status);
  },
}));

/** What bob, a user with a session of his own at the console, may not ask it for. */
const CLOSED: [method: string, target: string][] = [
  ["GET", "/api/people"],
  ["GET", "/api/sessions?scope=all"],
  ["GET", "/api/config"],
  ["GET", "/people"],
  ["GET", "/sessions"],
  ["POST", "/revoke-all"],
  ["POST", "/api/revoke-all"],
  ["DELETE", "/api/sessions/HANDLE"],
  ["POST", "/sessions/HANDLE/end"],
  ["GET", "/people/PERSON/forget"],
  ["POST", "/people/PERSON/forget"],
  ["DELETE", "/api/people/PERSON"],
  ["GET", "/agents"],
  ["POST", "/agents/token"],
  ["POST", "/api/agents/tokens"],
  ["POST", "/agents/agent-of-good/revoke"],
  ["DELETE", "/api/agents/agent-of-good"],
];
const escalations: Attempt[] = CLOSED.map(([method, target]) => ({
  id: `credential/bob at the console ${method} ${target}`,
  threat: "T6",
  tried: `bob, no administrator, at the console: ${method} ${target} (HANDLE: alice's session, PERSON: her key)`,
  expected: "403",
  async run({ tenants }: World) {
    const { good, ask, known } = tenants;
    const alice = await atConsole(tenants, good);
    const list = await ask(good.consoleOrigin, "GET", "/api/sessions", [["Cookie", alice]]);
    const { items } = JSON.parse(String(list.body)) as {
      items: { handle: string; person: string; current: boolean }[];
    };
    const own = items.find(({ current }) => current);
    const named = target.replace("HANDLE", own?.handle ?? "").replace("PERSON", own?.person ?? "");
    const bob: Header[] = [
      ["Cookie", await known(good.consoleOrigin, "bob@example.com")],
      ["Origin", good.consoleOrigin],
    ];
    const { status } = await ask(good.consoleOrigin, method, named, bob);
    return String(status);
  },
}));

/** What a person's own cookie leaves behind at OpenClaw: nothing of ours, in whatever company it came. */
const JARS: [name: string, lines: (cookie: string) => string[]][] = [
  ["alone", (mine) => [mine]],
  ["behind others", (mine) => [`a=1; ${mine}; b=2`]],
  ["in two lines", (mine) => ["a=1", mine]],
  ["behind a comma", (mine) => [`a=1, ${mine}`]],
  ["without blanks", (mine) => [`a=1;${mine};b=2`]],
  ["behind an empty one", (mine) => [`; ;${mine}`]],
  ["and again without a name", (mine) => [`${mine}; =${mine}`]],
  ["and again in capitals", (mine) => [`${mine}; ${mine.replace(/^[^=]+/, (name) => name.toUpperCase())}`]],
];
const jars: Attempt[] = JARS.map(([name, lines]) => ({
  id: `credential/cookie ${name}`,
  threat: "T7",
  tried: `bob's session cookie ${name}, towards a hostile OpenClaw`,
  expected: "OpenClaw never sees it",
  async run({ tenants }: World) {
    const { evil, ask } = tenants;
    const target = `/jar/${crypto.randomUUID()}`;
    const headers = lines(evil.bob).map((line): Header => ["Cookie", line]);
    const { status } = await ask(evil.origin, "GET", target, headers);
    const seen = evil.openclaw.asked(target).flatMap((received) => valuesOf(received, "cookie"));
    const told = seen.some((line) => line.includes(valueOf(evil.bob)));
    return told ? `it saw ${seen.join(" and ")} (${status})` : "OpenClaw never sees it";
  },
}));

export const CREDENTIALS: Attempt[] = [...misuses, ...escalations, ...jars];
