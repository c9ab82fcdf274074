import { afterEach, describe, expect, test, vi } from "vitest";
import type { Frame } from "#protocol/frame.ts";
import type { Person } from "#protocol/identity.ts";
import { IDENTITY_WAIT_MS } from "#protocol/limits.ts";
import { IdentityWriter } from "../../workspace-agent/identity/identity-writer.ts";
import type { Profiles } from "../../workspace-agent/identity/roster.ts";
import { openHead, silent } from "./support/peer.ts";

const alice: Person = { key: "p1", user: "alice@example.com", email: null, name: null, role: "user", active: true };
const ws = openHead({ kind: "ws", version: 2 });

function setUp() {
  const answers: Frame[] = [];
  const writes: { people: string[]; ids: string[]; finish: (error?: Error) => void }[] = [];
  let now = 0;
  const learn = vi.fn(async (people: readonly Person[]): Promise<Profiles> => {
    return { ids: new Map(people.map(({ user }) => [user, "id"])), ambiguous: new Set() };
  });
  const writer = new IdentityWriter({
    writeFiles: (people, profiles) => {
      const { promise, resolve, reject } = Promise.withResolvers<number>();
      const finish = (error?: Error) => (error === undefined ? resolve(1) : reject(error));
      writes.push({ people: people.map(({ user }) => user), ids: [...profiles.ids.values()], finish });
      return promise;
    },
    learnProfiles: learn,
    log: silent,
    now: () => now,
  });
  const receive = (frame: Parameters<IdentityWriter["receive"]>[0]) =>
    writer.receive(frame, (answer) => answers.push(answer));
  const wait = (ms: number) => void (now += ms);
  return { writer, receive, answers, writes, learn, wait };
}

/** Lets everything run that waits for no timer. */
const settle = () => new Promise((resolve) => process.nextTick(() => setImmediate(resolve)));

afterEach(() => vi.useRealTimers());

test("frames are written one state at a time, and the latest version is told", async () => {
  const { receive, answers, writes } = setUp();
  receive({ type: "roster", stream: 0, version: 1, people: [] });
  receive({ type: "identity", stream: 0, version: 2, person: alice });
  receive({ type: "identity", stream: 0, version: 3, person: { ...alice, active: false } });
  await settle();
  expect(writes).toHaveLength(1);
  writes[0]?.finish();
  await settle();
  writes[1]?.finish();
  await settle();
  expect(writes.map(({ people }) => people)).toEqual([[], ["alice@example.com"]]);
  expect(answers).toEqual([
    { type: "written", stream: 0, version: 1, result: "ok" },
    { type: "written", stream: 0, version: 3, result: "ok" },
  ]);
});

test("a WebSocket waits for its version; reads never do, and afterwards nobody does", async () => {
  const { writer, receive, writes } = setUp();
  receive({ type: "roster", stream: 0, version: 2, people: [alice] });
  expect(writer.gate(openHead({ version: 2 }))).toBeNull();
  const waiting = writer.gate(ws);
  await settle();
  writes[0]?.finish();
  expect(await waiting).toBe("ok");
  await settle();
  writes[1]?.finish();
  await settle();
  expect(writer.gate(ws)).toBeNull();
  writer.release();
});

test("files that cannot be written refuse WebSockets and writes", async () => {
  const { writer, receive, answers, writes } = setUp();
  receive({ type: "roster", stream: 0, version: 2, people: [alice] });
  const waiting = writer.gate(ws);
  await settle();
  writes[0]?.finish(new Error("EROFS"));
  expect(await waiting).toBe("identity_unwritten");
  expect(answers).toEqual([{ type: "written", stream: 0, version: 2, result: "unwritable" }]);
  writer.release();
});

test("an OpenClaw that is away is told as such, and the files are still brought in line", async () => {
  const { writer, receive, writes, learn } = setUp();
  learn.mockRejectedValue(Object.assign(new Error("x"), { code: "ECONNREFUSED" }));
  receive({ type: "roster", stream: 0, version: 2, people: [alice] });
  const waiting = writer.gate(ws);
  await settle();
  writes[0]?.finish();
  expect(await waiting).toBe("origin_unreachable");
  writer.release();
});

test("the wait is bounded", async () => {
  vi.useFakeTimers();
  const { writer, receive } = setUp();
  receive({ type: "roster", stream: 0, version: 2, people: [alice] });
  const waiting = writer.gate(ws);
  vi.advanceTimersByTime(IDENTITY_WAIT_MS);
  expect(await waiting).toBe("identity_unwritten");
  writer.release();
});

test.each([
  ["was never told", [{ type: "roster", stream: 0, version: 2, people: [] }]],
  [
    "was withdrawn",
    [
      { type: "roster", stream: 0, version: 2, people: [alice] },
      { type: "forget", stream: 0, version: 3, person: "p1" },
    ],
  ],
  [
    "has another user string",
    [{ type: "roster", stream: 0, version: 2, people: [{ ...alice, user: "eve@example.com" }] }],
  ],
] as const)("a person who %s opens nothing", async (_name, frames) => {
  const { writer, receive } = setUp();
  for (const frame of frames) receive(frame as Parameters<typeof receive>[0]);
  expect(await writer.gate(ws)).toBe("identity_unwritten");
  writer.release();
});

test("profiles are asked for once, not at every change of a known person", async () => {
  const { writer, receive, writes, learn } = setUp();
  receive({ type: "roster", stream: 0, version: 1, people: [alice] });
  await settle();
  writes[0]?.finish();
  receive({ type: "identity", stream: 0, version: 2, person: { ...alice, active: false } });
  await settle();
  writes[1]?.finish();
  await settle();
  expect(learn).toHaveBeenCalledTimes(1);
  writer.release();
});

const bob: Person = { ...alice, key: "p2", user: "bob@example.com" };

test("one person without a profile of their own is refused, and holds nobody else back", async () => {
  const { writer, receive, answers, writes, learn } = setUp();
  learn.mockResolvedValue({ ids: new Map([[alice.user, "id"]]), ambiguous: new Set() });
  receive({ type: "roster", stream: 0, version: 2, people: [alice, bob] });
  const waiting = writer.gate(openHead({ kind: "ws", version: 2, person: "p2", user: bob.user }));
  const other = writer.gate(ws);
  await settle();
  writes[0]?.finish();
  expect(await other).toBe("ok");
  expect(await waiting).toBe("identity_unwritten");
  expect(answers).toEqual([{ type: "written", stream: 0, version: 2, result: "unwritable" }]);
  expect(writer.gate(ws)).toBeNull();
  writer.release();
});

test("who is forgotten is taken out at once, whatever OpenClaw is asked meanwhile", async () => {
  const { receive, writes, learn, writer } = setUp();
  const asked = Promise.withResolvers<Profiles>();
  learn.mockReturnValue(asked.promise);
  receive({ type: "roster", stream: 0, version: 1, people: [alice, bob] });
  await settle();
  expect(writes).toHaveLength(0);
  receive({ type: "forget", stream: 0, version: 2, person: "p1" });
  await settle();
  expect(writes.map(({ people }) => people)).toEqual([["bob@example.com"]]);
  writes[0]?.finish();
  asked.resolve({ ids: new Map(), ambiguous: new Set() });
  await settle();
  // The round that began before does not bring her back.
  expect(writes[1]?.people).toEqual(["bob@example.com"]);
  writer.release();
});

test("who is forgotten is taken out before OpenClaw is asked again", async () => {
  const { receive, writes, learn, writer, wait } = setUp();
  receive({ type: "roster", stream: 0, version: 1, people: [alice, bob] });
  await settle();
  writes[0]?.finish();
  await settle();
  wait(61_000);
  learn.mockReturnValue(new Promise(() => {}));
  receive({ type: "forget", stream: 0, version: 2, person: "p1" });
  await settle();
  expect(writes.map(({ people }) => people)).toEqual([[alice.user, bob.user], [bob.user]]);
  writer.release();
});

test("whom OpenClaw does not vouch for any more are not verified after five minutes, and are again when it does", async () => {
  const { receive, writes, learn, writer, wait } = setUp();
  receive({ type: "roster", stream: 0, version: 2, people: [alice] });
  await settle();
  writes[0]?.finish();
  await settle();
  learn.mockRejectedValue(new Error("unknown method users.list"));
  wait(299_000);
  writer.recheck();
  await settle();
  writes[1]?.finish();
  await settle();
  expect(writer.gate(ws)).toBeNull();
  wait(2_000);
  writer.recheck();
  await settle();
  expect(writes[2]?.ids).toEqual([]);
  writes[2]?.finish();
  await settle();
  const waiting = writer.gate(ws);
  await settle();
  writes[3]?.finish();
  expect(await waiting).toBe("identity_unwritten");
  learn.mockResolvedValue({ ids: new Map([[alice.user, "id"]]), ambiguous: new Set() });
  await settle();
  const again = writer.gate(ws);
  await settle();
  writes[4]?.finish();
  expect(await again).toBe("ok");
  expect(writes[4]?.ids).toEqual(["id"]);
  writer.release();
});

test("once released, nothing is written, asked or let through until the next roster", async () => {
  const { writer, receive, answers, writes, learn } = setUp();
  receive({ type: "roster", stream: 0, version: 2, people: [alice] });
  const waiting = writer.gate(ws);
  // Released in the middle of a round: what it would have written is no longer this agent's to write.
  writer.release();
  expect(await waiting).toBe("identity_unwritten");
  await settle();
  expect(writes).toHaveLength(0);
  receive({ type: "identity", stream: 0, version: 3, person: { ...alice, active: false } });
  writer.recheck();
  expect(await writer.gate(ws)).toBe("identity_unwritten");
  await settle();
  expect(writes).toHaveLength(0);
  expect(answers).toEqual([]);
  expect(learn).toHaveBeenCalledTimes(1);
  receive({ type: "roster", stream: 0, version: 1, people: [alice] });
  await settle();
  writes[0]?.finish();
  await settle();
  expect(answers).toEqual([{ type: "written", stream: 0, version: 1, result: "ok" }]);
  writer.release();
});

test("a write under way for a former link proves nothing to a new one that counts from another start", async () => {
  const { writer, receive, answers, writes } = setUp();
  receive({ type: "roster", stream: 0, version: 50, people: [] });
  await settle();
  receive({ type: "roster", stream: 0, version: 2, people: [alice] });
  writes[0]?.finish();
  await settle();
  expect(writer.gate(ws)).not.toBeNull();
  expect(answers).toEqual([]);
  writes[1]?.finish();
  await settle();
  expect(writer.gate(ws)).toBeNull();
  expect(answers).toEqual([{ type: "written", stream: 0, version: 2, result: "ok" }]);
});

const isSettled = async (promise: Promise<unknown> | null) =>
  Promise.race([Promise.resolve(promise).then(() => true), settle().then(() => false)]);

describe("somebody who is forgotten", () => {
  async function told() {
    const parts = setUp();
    parts.receive({ type: "roster", stream: 0, version: 2, people: [alice, bob] });
    await settle();
    parts.writes[0]?.finish();
    await settle();
    return parts;
  }

  test("is taken out at once, while OpenClaw takes its time to answer about somebody else", async () => {
    const { writer, receive, writes, answers, learn } = await told();
    const asked = Promise.withResolvers<Profiles>();
    learn.mockReturnValue(asked.promise);
    const carol = { ...alice, key: "p3", user: "carol@example.com" };
    receive({ type: "identity", stream: 0, version: 3, person: carol });
    await settle();
    receive({ type: "forget", stream: 0, version: 4, person: "p2" });
    await settle();
    expect(writes.slice(1).map(({ people }) => people)).toEqual([["alice@example.com", "carol@example.com"]]);
    writes[1]?.finish();
    // Asked about before bob was forgotten; what is written now has no bob all the same.
    asked.resolve({ ids: new Map([alice, bob, carol].map(({ user }) => [user, "id"])), ambiguous: new Set() });
    for (let n = 2; n < 4; n++) {
      await settle();
      writes[n]?.finish();
    }
    await settle();
    expect(writes.slice(1).flatMap(({ people }) => people)).not.toContain("bob@example.com");
    expect(answers.at(-1)).toEqual({ type: "written", stream: 0, version: 4, result: "ok" });
    writer.release();
  });

  test("is taken out when OpenClaw is away, and nobody else is held back by that", async () => {
    const { writer, receive, writes, answers, learn } = await told();
    learn.mockRejectedValue(Object.assign(new Error("x"), { code: "ECONNREFUSED" }));
    receive({ type: "forget", stream: 0, version: 3, person: "p2" });
    for (let n = 1; n < 3; n++) {
      await settle();
      writes[n]?.finish();
    }
    await settle();
    expect(writes.at(-1)?.people).toEqual(["alice@example.com"]);
    expect(answers.at(-1)).toEqual({ type: "written", stream: 0, version: 3, result: "ok" });
    writer.release();
  });

  test("is not written by a write that waits for another to end", async () => {
    const { writer, receive, writes } = await told();
    receive({ type: "identity", stream: 0, version: 3, person: { ...bob, name: "Bob" } });
    await settle();
    receive({ type: "identity", stream: 0, version: 4, person: { ...bob, name: "Robert" } });
    receive({ type: "forget", stream: 0, version: 5, person: "p2" });
    for (let n = 1; n < 4; n++) {
      await settle();
      writes[n]?.finish();
    }
    await settle();
    expect(writes.slice(2).flatMap(({ people }) => people)).not.toContain("bob@example.com");
    writer.release();
  });

  test("opens nothing that already waited for a write", async () => {
    const { writer, receive, writes } = await told();
    receive({ type: "identity", stream: 0, version: 3, person: { ...bob, active: true } });
    const waiting = writer.gate(openHead({ kind: "ws", version: 3, person: "p2", user: bob.user }));
    await settle();
    expect(await isSettled(waiting)).toBe(false);
    receive({ type: "forget", stream: 0, version: 4, person: "p2" });
    // The write that it waited for is well, and is of no use to them.
    writes[1]?.finish();
    expect(await waiting).toBe("identity_unwritten");
    writer.release();
  });

  test("and comes back is looked up anew: what was known before is known no more", async () => {
    const { writer, receive, writes, learn } = setUp();
    receive({ type: "roster", stream: 0, version: 2, people: [bob] });
    await settle();
    writes[0]?.finish();
    await settle();
    receive({ type: "forget", stream: 0, version: 3, person: "p2" });
    for (let n = 1; n < 3; n++) {
      await settle();
      writes[n]?.finish();
    }
    await settle();
    learn.mockRejectedValue(Object.assign(new Error("x"), { code: "ECONNREFUSED" }));
    receive({ type: "identity", stream: 0, version: 4, person: bob });
    await settle();
    const waiting = writer.gate(openHead({ kind: "ws", version: 4, person: "p2", user: bob.user }));
    writes.at(-1)?.finish();
    expect(await waiting).toBe("origin_unreachable");
    writer.release();
  });

  test("is taken out by a roster that does not hold them, before OpenClaw answers", async () => {
    const { writer, receive, writes, learn } = await told();
    learn.mockReturnValue(new Promise<Profiles>(() => {}));
    writer.release();
    const carol = { ...alice, key: "p3", user: "carol@example.com" };
    receive({ type: "roster", stream: 0, version: 9, people: [alice, carol] });
    await settle();
    expect(writes.at(-1)?.people).toEqual(["alice@example.com", "carol@example.com"]);
    writer.release();
  });
});
