/** T1: every spelling that leads OpenClaw to a route, towards every route of it that is closed to a user. */
import { exchange, UPGRADE } from "../support/http-exchange.ts";
import { rawPost } from "../support/raw-post.ts";
import { statusesIn, typeBytes } from "../support/typed-connection.ts";
import { HOSTILE_TARGETS } from "../support/targets.ts";
import type { Attempt } from "./attempt.ts";
import type { World } from "./world.ts";

const REFUSED = { expected: "refused: 400, 403 or 404", fits: /^(400|403|404)$/ };
/** What the spellings lead to, and the routes that are tried by each of them. */
const SPELLED = "tools/invoke";
const ROUTES = [SPELLED, "v1/chat/completions", "hooks/wake", "api/v1/admin/rpc"];

/** The spellings of one route, with another in its place. */
function spellings(route: string): string[] {
  const turned = (slash: string) => route.replaceAll("/", slash);
  return HOSTILE_TARGETS.filter((target) => route === SPELLED || target.replaceAll("\\", "/").includes(SPELLED)).map(
    (target) => target.replace(SPELLED, route).replace("tools\\invoke", turned("\\")),
  );
}

const posts: Attempt[] = ROUTES.flatMap((route) =>
  spellings(route).map((target) => ({
    id: `target/POST ${target}`,
    threat: "T1",
    tried: `a user's POST ${target}`,
    ...REFUSED,
    run: async ({ real }: World) => String(await rawPost(real.url, target, real.cookies.user)),
  })),
);

/** The other roles, by the route that is open to one of them: an administrator's spelling is refused all the same. */
const otherRoles: Attempt[] = (["viewer", "approver", "admin"] as const).flatMap((role) =>
  spellings(SPELLED).map((target) => ({
    id: `target/${role} spelled POST ${target}`,
    threat: "T1",
    tried: `POST ${target} by the ${role}, spelled so`,
    ...REFUSED,
    run: async ({ real }: World) => String(await rawPost(real.url, target, real.cookies[role])),
  })),
);

/** Reads are open to everybody, so that only the spelling stands against these. */
const gets: Attempt[] = HOSTILE_TARGETS.filter((target) => /^\/[^#]*$/.test(target)).map((target) => ({
  id: `target/GET ${target}`,
  threat: "T1",
  tried: `a user's GET ${target}`,
  expected: "400",
  async run({ real }: World) {
    const { host, port } = new URL(real.url);
    const head = `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nCookie: ${real.cookies.user}\r\nConnection: close\r\n\r\n`;
    return statusesIn(await typeBytes(Number(port), head)).join();
  },
}));

/** The route itself, as it is written: a user's role does not open it. */
const plain: Attempt[] = (["viewer", "user", "approver"] as const).flatMap((role) =>
  ["/tools/invoke", "/tools/invoke?x=1", "/Tools/Invoke", "/tools/invoke/", "/tools//invoke", "/tools%2finvoke"].map(
    (target) => ({
      id: `target/${role} POST ${target}`,
      threat: "T1",
      tried: `POST ${target} by the ${role}`,
      ...REFUSED,
      run: async ({ real }: World) => String(await rawPost(real.url, target, real.cookies[role])),
    }),
  ),
);

/** An admin may call it: so that the refusals above are the gate's, and not a broken route's. */
const control: Attempt = {
  id: "target/control",
  threat: "T1",
  tried: "an admin's POST /tools/invoke with a tool (must work)",
  expected: "200",
  async run({ real }) {
    const body = Buffer.from(JSON.stringify({ tool: "sessions_list", args: {} }));
    const { status } = await exchange(Number(new URL(real.url).port), {
      method: "POST",
      target: "/tools/invoke",
      headers: [
        ["Host", new URL(real.url).host],
        ["Origin", real.url],
        ["Cookie", real.cookies.admin],
        ["Content-Type", "application/json"],
        ["Content-Length", String(body.length)],
      ],
      body: [body],
    });
    return String(status);
  },
};

/** The workers' own socket, by upgrade. */
const WORKER = [
  "/__openclaw__/worker",
  "//x/__openclaw__/worker",
  "/__openclaw__\\worker",
  "/x/../__openclaw__/worker",
];
const upgrades: Attempt[] = (["user", "admin"] as const).flatMap((role) =>
  WORKER.map((target) => ({
    id: `target/${role} upgrade ${target}`,
    threat: "T1",
    tried: `an upgrade of the ${role}'s at ${target}`,
    ...REFUSED,
    async run({ real }: World) {
      const { status } = await upgradeAt(real.url, target, real.cookies[role]);
      return String(status);
    },
  })),
);

function upgradeAt(url: string, target: string, cookie: string) {
  const { host, port } = new URL(url);
  return exchange(Number(port), {
    method: "GET",
    target,
    headers: [["Host", host], ["Origin", url], ["Cookie", cookie], ...UPGRADE],
  });
}

export const TARGETS: Attempt[] = [control, ...plain, ...posts, ...otherRoles, ...gets, ...upgrades];
