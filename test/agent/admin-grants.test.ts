/** The agent and OpenClaw's list of administrators; the list is a fake at our own seam, the real one is in e2e/roles.test.ts. */
import { beforeEach, expect, test, vi } from "vitest";
import type { Person, Role } from "#protocol/identity.ts";
import { IDENTITY_WAIT_MS } from "#protocol/limits.ts";
import { AdminGrants } from "../../workspace-agent/admins/admin-grants.ts";
import type { Granted } from "../../workspace-agent/admins/granted-file.ts";
import { type Backend, ChangeRefused } from "../../workspace-agent/identity/openclaw-client.ts";
import { REDACTED } from "../../workspace-agent/openclaw/wanted.ts";
import { openHead } from "./support/peer.ts";

const HOUR = 60 * 60_000;
const DAY = 24 * HOUR;
const ALICE = "alice@example.com";
const BOB = "bob@example.com";

/** OpenClaw's list, as it is now. */
let list: Record<string, string[]>;
let reads: number;
let patches: { patch: Record<string, string[] | null>; shortened: string[] }[];
let version: string;
/** Set: the next change waits for it. */
let slow: Promise<void> | undefined;
let failure: Error | undefined;
let stored: Granted;
/** Set: the state folder cannot be written. */
let unwritable: Error | undefined;
let events: string[];
let told: string;
let now: number;

beforeEach(() => {
  version = "2026.9.6";
  [list, reads, patches, slow, failure, stored, events, now] = [{}, 0, [], undefined, undefined, new Map(), [], 1e12];
  [unwritable, told] = [undefined, ""];
});

/** As OpenClaw 2026.9.6 shows its configuration: by the name of the setting, and an address is a name here. */
function redact([user, scopes]: [string, string[]]): [string, string[]] {
  return [user, /password|secret|api.?key/i.test(user) ? scopes.map(() => REDACTED) : [...scopes]];
}

const fakeBackend: Partial<Backend> = {
  get version() {
    return version;
  },
  async readIdentityScopes() {
    reads += 1;
    if (failure !== undefined) throw failure;
    return { scopes: Object.fromEntries(Object.entries(list).map(redact)), hash: "hash" };
  },
  async patchIdentityScopes(patch, shortened) {
    await slow;
    if (failure !== undefined) throw failure;
    patches.push({ patch, shortened });
    for (const [user, scopes] of Object.entries(patch)) {
      if (scopes === null) delete list[user];
      else list[user] = scopes.map((scope, index) => (scope === REDACTED ? (list[user]?.[index] ?? "") : scope));
    }
  },
};

function start(grantsAdmins = true): AdminGrants {
  return new AdminGrants({
    client: { withBackend: (work) => work(fakeBackend as Backend) },
    state: {
      readGranted: () => stored,
      writeGranted(granted) {
        if (unwritable !== undefined) throw unwritable;
        stored = new Map(granted);
      },
    },
    log(event, fields) {
      events.push(event);
      told += JSON.stringify(fields);
    },
    now: () => now,
    grantsAdmins,
  });
}

function person(user: string, role: Role, active = true): Person {
  return { key: user, user, email: user, name: null, role, active };
}

const settle = () => new Promise((resolve) => process.nextTick(() => setImmediate(resolve)));
const opens = (user: string, role: Role = "admin") => openHead({ kind: "ws", user, role });

test("whoever comes as an administrator is made one, and nobody else", async () => {
  const grants = start();
  grants.follow([person(ALICE, "admin"), person(BOB, "approver"), person("carol@example.com", "admin", false)]);
  await settle();
  expect(list).toEqual({ [ALICE]: ["operator.admin"] });
  expect([...stored]).toEqual([[ALICE, now]]);
});

test("their chat waits for the list; other people's, and reads, do not", async () => {
  const grants = start();
  const { promise, resolve } = Promise.withResolvers<void>();
  slow = promise;
  grants.follow([person(ALICE, "admin"), person(BOB, "user")]);
  const waiting = grants.wait(opens(ALICE));
  expect(waiting).not.toBeNull();
  expect(grants.wait(opens(BOB, "user"))).toBeNull();
  expect(grants.wait(openHead({ user: ALICE, role: "admin", scopes: ["operator.read"] }))).toBeNull();
  resolve();
  await waiting;
  expect(list[ALICE]).toEqual(["operator.admin"]);
  expect(grants.wait(opens(ALICE))).toBeNull();
});

test("a list that cannot be changed in time, or at all, keeps nobody out: OpenClaw gives less", async () => {
  vi.useFakeTimers();
  try {
    const grants = start();
    slow = new Promise(() => {});
    grants.follow([person(ALICE, "admin")]);
    const waiting = grants.wait(opens(ALICE));
    await vi.advanceTimersByTimeAsync(IDENTITY_WAIT_MS);
    await waiting;
  } finally {
    vi.useRealTimers();
  }
  const refused = start();
  failure = new Error("config is read-only");
  refused.follow([person(ALICE, "admin")]);
  await refused.wait(opens(ALICE));
  expect(events).toEqual(["admins.not_set"]);
});

test("what failed is tried again, less and less often, and told once", async () => {
  vi.useFakeTimers();
  try {
    const grants = start();
    failure = new Error("away");
    for (let second = 0; second < 300; second++) {
      grants.follow([person(ALICE, "admin")]);
      await vi.advanceTimersByTimeAsync(1_000);
    }
    expect(reads).toBeGreaterThan(10);
    expect(reads).toBeLessThan(20);
    expect(events).toEqual(["admins.not_set"]);
    failure = undefined;
    await vi.advanceTimersByTimeAsync(30_000);
  } finally {
    vi.useRealTimers();
  }
  expect(list).toEqual({ [ALICE]: ["operator.admin"] });
});

test("who loses the role, or is forgotten, is taken off the list; whom its owner put there stays", async () => {
  list = { [BOB]: ["operator.admin"] };
  const grants = start();
  grants.follow([person(ALICE, "admin"), person(BOB, "admin"), person("carol@example.com", "admin")]);
  await settle();
  grants.follow([person(ALICE, "user"), person(BOB, "user")]);
  await settle();
  expect(list).toEqual({ [BOB]: ["operator.admin"] });
  expect(patches.at(-1)?.shortened).toEqual([
    `gateway.auth.identityScopes.${ALICE}`,
    "gateway.auth.identityScopes.carol@example.com",
  ]);
  expect(stored.size).toBe(0);
});

test("coming and going changes nothing, so that nobody is reconnected by it; three days away does", async () => {
  const grants = start();
  for (let visit = 0; visit < 5; visit++, now += DAY / 2) {
    grants.follow([person(ALICE, "admin")]);
    await settle();
    grants.follow([person(ALICE, "admin", false)]);
    await settle();
  }
  expect(patches).toHaveLength(1);
  now += 3 * DAY;
  grants.follow([person(ALICE, "admin", false)]);
  await settle();
  expect(list).toEqual({});
});

test("a new process knows whom the former one made an administrator", async () => {
  start().follow([person(ALICE, "admin")]);
  await settle();
  const next = start();
  next.follow([person(ALICE, "user")]);
  await settle();
  expect(list).toEqual({});
});

test("a process that died between its note and OpenClaw's change takes nothing away that it did not give", async () => {
  stored = new Map([[ALICE, now]]);
  const grants = start();
  grants.follow([person(ALICE, "user", false)]);
  await settle();
  expect(patches).toEqual([]);
  expect(stored.size).toBe(0);
});

test("an administrator whom somebody took off the list is back within a minute of being here", async () => {
  const grants = start();
  grants.follow([person(ALICE, "admin")]);
  await settle();
  list = {};
  now += 59_000;
  grants.follow([person(ALICE, "admin")]);
  await settle();
  expect(list).toEqual({});
  now += 2_000;
  grants.follow([person(ALICE, "admin")]);
  await settle();
  expect(list).toEqual({ [ALICE]: ["operator.admin"] });
});

test("whoever comes back is looked up: an OpenClaw that was set up anew knows nobody", async () => {
  const grants = start();
  grants.follow([person(ALICE, "admin")]);
  await settle();
  grants.follow([person(ALICE, "admin", false)]);
  list = {};
  grants.follow([person(ALICE, "admin")]);
  await grants.wait(opens(ALICE));
  expect(list).toEqual({ [ALICE]: ["operator.admin"] });
});

test("an OpenClaw that would restart for it keeps its own list, and that is told once", async () => {
  version = "2026.9.5";
  list = { [BOB]: ["operator.admin"] };
  const grants = start();
  for (let visit = 0; visit < 3; visit++, now += DAY) {
    grants.follow([person(ALICE, "admin"), person(BOB, "admin")]);
    await settle();
    expect(grants.wait(opens(ALICE))).toBeNull();
    grants.follow([person(ALICE, "admin", false), person(BOB, "admin", false)]);
  }
  expect(patches).toEqual([]);
  expect(stored.size).toBe(0);
  expect(events).toEqual(["admins.not_set"]);
});

test("roles that change while the list is being changed are followed to the last", async () => {
  const grants = start();
  const { promise, resolve } = Promise.withResolvers<void>();
  slow = promise;
  grants.follow([person(ALICE, "admin")]);
  await settle();
  grants.follow([person(ALICE, "user"), person(BOB, "admin")]);
  slow = undefined;
  resolve();
  await settle();
  expect(list).toEqual({ [BOB]: ["operator.admin"] });
});

test("an address that OpenClaw takes for a secret's name is granted once, and taken back", async () => {
  const secretary = "secretary@example.com";
  const grants = start();
  for (let minute = 0; minute < 5; minute++, now += 61_000) {
    grants.follow([person(secretary, "admin")]);
    await settle();
  }
  expect(patches).toHaveLength(1);
  expect(list).toEqual({ [secretary]: ["operator.admin"] });
  grants.follow([person(secretary, "user")]);
  await settle();
  expect(list).toEqual({});
});

test("an owner's entry that OpenClaw does not show stays as it is", async () => {
  const secretary = "secretary@example.com";
  list = { [secretary]: ["operator.admin"] };
  const grants = start();
  grants.follow([person(secretary, "admin")]);
  await settle();
  grants.follow([person(secretary, "user")]);
  await settle();
  expect(patches).toEqual([]);
  expect(list).toEqual({ [secretary]: ["operator.admin"] });
});

test("an agent that does not speak for the workspace any more changes nothing, whatever it was about to do", async () => {
  vi.useFakeTimers();
  try {
    const grants = start();
    failure = new Error("away");
    grants.follow([person(ALICE, "admin")]);
    await vi.advanceTimersByTimeAsync(0);
    grants.release();
    failure = undefined;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(reads).toBe(1);
    grants.follow([person(ALICE, "admin")]);
    grants.release();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(patches).toEqual([]);
    grants.follow([person(BOB, "admin")]);
    await vi.advanceTimersByTimeAsync(0);
  } finally {
    vi.useRealTimers();
  }
  expect(list).toEqual({ [BOB]: ["operator.admin"] });
});

test("whom its owner names because OpenClaw refused the agent's change stays an administrator", async () => {
  vi.useFakeTimers();
  try {
    const grants = start();
    failure = new ChangeRefused(new Error("config is read-only"));
    slow = Promise.resolve();
    const reading = vi.spyOn(fakeBackend, "readIdentityScopes").mockImplementation(() => {
      return Promise.resolve({ scopes: structuredClone(list), hash: "hash" });
    });
    grants.follow([person(ALICE, "admin")]);
    await vi.advanceTimersByTimeAsync(0);
    list = { [ALICE]: ["operator.admin"] };
    failure = undefined;
    await vi.advanceTimersByTimeAsync(60_000);
    grants.follow([person(ALICE, "user")]);
    await vi.advanceTimersByTimeAsync(60_000);
    reading.mockRestore();
  } finally {
    vi.useRealTimers();
  }
  expect(list).toEqual({ [ALICE]: ["operator.admin"] });
  expect(stored.size).toBe(0);
});

test("a state folder that cannot be written keeps nobody from being written", async () => {
  const grants = start();
  grants.follow([person(ALICE, "admin")]);
  await settle();
  unwritable = new Error("ENOSPC");
  now += 2 * HOUR;
  expect(() => grants.follow([person(ALICE, "admin")])).not.toThrow();
  expect(events).toContain("admins.not_set");
});

test("the end of a chat that stood open for a week is its last use", async () => {
  const grants = start();
  grants.follow([person(ALICE, "admin")]);
  await settle();
  now += 7 * DAY;
  grants.follow([person(ALICE, "admin", false)]);
  await settle();
  expect(list).toEqual({ [ALICE]: ["operator.admin"] });
});

test("a clock that was years ahead keeps nobody on the list", async () => {
  stored = new Map([[ALICE, now + 1_000 * DAY]]);
  list = { [ALICE]: ["operator.admin"] };
  start().follow([person(ALICE, "admin", false)]);
  await settle();
  expect(list).toEqual({});
});

test("OpenClaw's words are told without anybody's address", async () => {
  failure = new Error(`cannot shorten gateway.auth.identityScopes.${ALICE}, name it`);
  start().follow([person(ALICE, "admin")]);
  await settle();
  expect(events).toEqual(["admins.not_set"]);
  expect(told).not.toContain("alice");
  expect(told).not.toContain("example.com");
});

test("once the list is its owner's, whom the agent made an administrator is none, and nobody is made one", async () => {
  start().follow([person(ALICE, "admin")]);
  await settle();
  list = { ...list, "olga@example.com": ["operator.admin"] };
  const grants = start(false);
  grants.follow([person(ALICE, "admin"), person(BOB, "admin")]);
  await settle();
  expect(list).toEqual({ "olga@example.com": ["operator.admin"] });
  expect(grants.wait(opens(BOB))).toBeNull();
  grants.follow([person(ALICE, "admin")]);
  await settle();
  expect(patches).toHaveLength(2);
});

test("whom somebody named by hand while this runs is taken out of the note, and not put back", async () => {
  const grants = start();
  grants.follow([person(ALICE, "admin"), person(BOB, "admin")]);
  await settle();
  // As `configure --admin` does, before the agent is started anew.
  stored = new Map([[BOB, now]]);
  now += 2 * HOUR;
  grants.follow([person(ALICE, "admin"), person(BOB, "admin")]);
  await settle();
  expect([...stored.keys()]).toEqual([BOB]);
  const next = start();
  next.follow([person(ALICE, "user"), person(BOB, "user")]);
  await settle();
  expect(list).toEqual({ [ALICE]: ["operator.admin"] });
});
