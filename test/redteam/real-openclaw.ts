/** The whole of Tidegate before a real OpenClaw, with somebody of every role signed in, and each prompt of its model. */
import { type ChatMessage, findSenderId } from "../../demo/answer.ts";
import { findFreePort } from "../../scripts/ports.ts";
import { openSecrets, type LocalSecrets } from "../../scripts/secrets.ts";
import { startAll, type Stack } from "../../scripts/stack.ts";
import { type Role, ROLES } from "#protocol/identity.ts";
import { type GatewayAnswer, GatewaySession } from "../support/gateway-session.ts";

export const PEOPLE: Record<Role, string> = {
  viewer: "vera@example.com",
  user: "bob@example.com",
  approver: "petra@example.com",
  admin: "alice@example.com",
};
/** The chat that everybody lands in. */
export const MAIN = "agent:main:main";

export class RealOpenClaw {
  readonly stack: Stack;
  /** What OpenClaw's host knows: its password, and the name of the user's header. */
  readonly secrets: LocalSecrets;
  readonly cookies = {} as Record<Role, string>;
  readonly sessions = {} as Record<Role, GatewaySession>;
  /** Profile ids. */
  readonly profiles = {} as Record<Role, string>;
  readonly #prompts: ChatMessage[][];

  private constructor(stack: Stack, secrets: LocalSecrets, prompts: ChatMessage[][]) {
    this.stack = stack;
    this.secrets = secrets;
    this.#prompts = prompts;
  }

  static async start(home: string): Promise<RealOpenClaw> {
    const prompts: ChatMessage[][] = [];
    const stack = await startAll({
      port: await findFreePort(),
      home,
      stubUsers: ROLES.map((role) => `${PEOPLE[role]}:${role}`).join(),
      onModelRequest: (messages) => prompts.push(messages),
    });
    try {
      await stack.ready;
      const running = new RealOpenClaw(stack, openSecrets(home), prompts);
      // Somebody's first coming as administrator has OpenClaw reconnect everybody.
      for (const role of [...ROLES].toReversed()) await running.#enter(role);
      await running.#learnProfiles();
      return running;
    } catch (error) {
      await stack.stop();
      throw error;
    }
  }

  get url(): string {
    return this.stack.url;
  }

  async signIn(role: Role): Promise<string> {
    const response = await fetch(`${this.url}/_gate/login`, {
      method: "POST",
      redirect: "manual",
      headers: { origin: this.url, "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ email: PEOPLE[role] }),
    });
    return (response.headers.getSetCookie()[0] ?? "").split(";")[0] ?? "";
  }

  /** Begins a turn and waits for its end. @returns the message that the model was asked, or null when it was refused */
  async turn(
    role: Role,
    method: string,
    params: object,
    key: string,
  ): Promise<{ answer: GatewayAnswer; asked: string }> {
    const answer = await this.sessions[role].request(method, params);
    if (!answer.ok) return { answer, asked: "" };
    const { runId } = answer.payload as { runId: string };
    await this.sessions[role].event(({ event, payload }) => {
      return event === "chat" && payload["runId"] === runId && ["final", "error"].includes(String(payload["state"]));
    });
    const asked = this.#asked().find((text) => text.includes(key));
    if (asked === undefined) throw new Error(`no prompt holds ${key}`);
    return { answer, asked };
  }

  /** @returns what the model answered last in a chat of this role's, as its socket was told */
  lastWords(role: Role): string {
    const ends = this.sessions[role].events.filter(
      ({ event, payload }) => event === "chat" && payload["state"] === "final",
    );
    return JSON.stringify(ends.at(-1)?.payload);
  }

  /** @returns whether the model was ever asked, or told, anything that holds `text` */
  wasAsked(text: string): boolean {
    return this.#prompts.flat().some((message) => textOf(message).includes(text));
  }

  /** @returns whose profile the first block of `asked` names */
  speaker(asked: string): string {
    const id = findSenderId(asked);
    return ROLES.find((role) => this.profiles[role] === id) ?? `somebody else (${id})`;
  }

  stop(): Promise<void> {
    return this.stack.stop();
  }

  #asked(): string[] {
    return this.#prompts.flatMap((messages) => messages.filter(({ role }) => role === "user").map(textOf));
  }

  async #enter(role: Role): Promise<void> {
    this.cookies[role] = await this.signIn(role);
    this.sessions[role] = await GatewaySession.openAs(role, this.url, this.cookies[role]);
  }

  /** Not by `users.self`: older releases tell a viewer nothing. */
  async #learnProfiles(): Promise<void> {
    const answer = await this.sessions.admin.request("users.list");
    if (!answer.ok) throw new Error(`users.list: ${outcome(answer)}`);
    const { profiles } = answer.payload as { profiles: { id: string; emails: string[] }[] };
    for (const role of ROLES) {
      const found = profiles.find(({ emails }) => emails.includes(PEOPLE[role]));
      if (found === undefined) throw new Error(`OpenClaw knows nothing of the ${role}`);
      this.profiles[role] = found.id;
    }
  }
}

/** @returns `ok`, the missing scope, or the error's code and words */
export function outcome({ ok, error }: GatewayAnswer): string {
  if (ok) return "ok";
  return error?.details?.missingScope ?? `${error?.code}: ${error?.message}`;
}

function textOf({ content }: ChatMessage): string {
  return typeof content === "string" ? content : (content ?? []).map((part) => part.text ?? "").join("");
}
