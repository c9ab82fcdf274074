/** T4: two people at one OpenClaw at once, while the object between them forgets everything, again and again. */
import WebSocket from "ws";
import { valuesOf } from "../support/http-exchange.ts";
import type { Attempt } from "./attempt.ts";
import { USER_HEADER, type TwoTenants } from "./two-tenants.ts";

const ROUNDS = 20;
const REQUESTS = 60;
const PEOPLE = ["alice@example.com", "bob@example.com"];

const sockets: Attempt = {
  id: "stream/two sockets",
  threat: "T4",
  tried: `two people's sockets in ${ROUNDS} rounds, the object's memory lost before each`,
  expected: "each hears every word of their own and none of the other's",
  async run({ tenants }) {
    const { good, edge } = tenants;
    const talks = await Promise.all(PEOPLE.map((person) => Talk.begin(tenants, person)));
    const heard: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      await edge.evict(`${good.id}/0`);
      heard.push(...(await Promise.all(talks.map((talk) => talk.say(`${talk.person} ${round}`)))));
    }
    for (const talk of talks) talk.close();
    const wrong = talks.flatMap(({ person, messages }) => messages.filter((text) => !text.includes(person)));
    const all = talks.every(({ messages }) => messages.length === ROUNDS) && heard.length === PEOPLE.length * ROUNDS;
    if (wrong.length > 0) return `heard of another: ${wrong[0]}`;
    return all ? "each hears every word of their own and none of the other's" : "words are missing";
  },
};

const requests: Attempt = {
  id: "stream/requests at once",
  threat: "T4",
  tried: `${REQUESTS} requests of two people at once, which share the agent's connections`,
  expected: "OpenClaw is told each one's own name, each gets their own answer",
  async run({ tenants }) {
    const { good, ask, known } = tenants;
    const wrong: string[] = [];
    await Promise.all(
      Array.from({ length: REQUESTS }, async (_, n) => {
        const person = PEOPLE[n % PEOPLE.length] ?? "";
        const body = `${person} ${n}`;
        const target = good.openclaw.play({ body });
        const answered = await ask(good.origin, "GET", target, [["Cookie", await known(good.origin, person)]]);
        const told = good.openclaw.asked(target).flatMap((headers) => valuesOf(headers, USER_HEADER));
        if (told.join() !== person || String(answered.body) !== body)
          wrong.push(`${person}: ${told.join()}, ${String(answered.body)}`);
      }),
    );
    return wrong[0] ?? "OpenClaw is told each one's own name, each gets their own answer";
  },
};

/** A socket whose other end repeats what it is told. */
class Talk {
  readonly person: string;
  readonly messages: string[] = [];
  readonly #socket: WebSocket;
  #next = Promise.withResolvers<string>();

  private constructor(person: string, socket: WebSocket) {
    this.person = person;
    this.#socket = socket;
    socket.on("close", (code) => this.#next.reject(new Error(`closed ${code}`)));
    socket.on("message", (data) => {
      const text = String(data);
      if (text.includes("connect.challenge")) return;
      this.messages.push(text);
      this.#next.resolve(text);
    });
  }

  static async begin({ good, port, known }: TwoTenants, person: string): Promise<Talk> {
    const headers = { host: good.host, origin: good.origin, cookie: await known(good.origin, person) };
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { headers });
    const talk = new Talk(person, socket);
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
    return talk;
  }

  /** Says something that may pass the gate. @returns what is heard next */
  async say(text: string): Promise<string> {
    this.#next = Promise.withResolvers();
    this.#socket.send(JSON.stringify({ type: "req", id: text, method: "health", params: {} }));
    return this.#next.promise;
  }

  close(): void {
    this.#socket.close();
  }
}

export const STREAMS: Attempt[] = [sockets, requests];
