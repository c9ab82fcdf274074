/** The running whole with one browser, and the people who come to it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContext } from "playwright-core";
import { findFreePort } from "../../scripts/ports.ts";
import { startAll, type Stack } from "../../scripts/stack.ts";
import { startBrowser } from "./browser.ts";
import { ChatPage } from "./chat-page.ts";
import { firstTurn } from "./first-turn.ts";
import { assertNotBlank, screenshot } from "./screenshot.ts";

const PEOPLE = "alice@example.com:admin,bob@example.com";
export const VIEW = { viewport: { width: 1280, height: 800 } };

interface Model {
  waits: PromiseWithResolvers<void> | undefined;
}

export class Journeys {
  readonly stack: Stack;
  readonly home: string;
  readonly #browser: Browser;
  readonly #contexts: BrowserContext[] = [];
  readonly #model: Model;

  private constructor(stack: Stack, home: string, browser: Browser, model: Model) {
    this.stack = stack;
    this.home = home;
    this.#browser = browser;
    this.#model = model;
  }

  static async start(): Promise<Journeys> {
    const home = mkdtempSync(join(tmpdir(), "tidegate-journeys-"));
    const model: Model = { waits: undefined };
    const beforeWord = async () => model.waits?.promise;
    const [stack, browser] = await Promise.all([
      startAll({ port: await findFreePort(), home, stubUsers: PEOPLE, wordDelayMs: 20, beforeWord }),
      startBrowser(),
    ]);
    await stack.ready;
    const journeys = new Journeys(stack, home, browser, model);
    try {
      await firstTurn(await journeys.visit("bob@example.com"));
      await journeys.leave(undefined);
    } catch (error) {
      await journeys.stop();
      throw error;
    }
    return journeys;
  }

  /** Has the model wait in the middle of what it says, however slow the machine is, until `speak`. */
  hush(): void {
    this.#model.waits ??= Promise.withResolvers();
  }

  speak(): void {
    this.#model.waits?.resolve();
    this.#model.waits = undefined;
  }

  async stop(): Promise<void> {
    await this.#browser.close();
    await this.stack.stop();
    rmSync(this.home, { recursive: true, force: true });
  }

  /** A tab where somebody is signed in, in a browser of their own. */
  async visit(email: string): Promise<ChatPage> {
    const context = await this.#browser.newContext(VIEW);
    this.#contexts.push(context);
    return this.visitIn(context, email);
  }

  /** As {@link visit}, in a browser that `leave` leaves alone. */
  async visitIn(context: BrowserContext, email: string): Promise<ChatPage> {
    const chat = await this.newTab(context);
    await chat.signInAs(email);
    return chat;
  }

  newTab(context: BrowserContext): Promise<ChatPage> {
    return ChatPage.open(context, this.stack.url);
  }

  /** Ends what a test has opened; of a test that failed, pictures are kept. */
  async leave(failed: string | undefined): Promise<void> {
    this.speak();
    for (const context of this.#contexts.splice(0)) {
      for (const page of failed === undefined ? [] : context.pages()) {
        await screenshot(page, `failure-${failed}`, false).catch(() => undefined);
      }
      await context.close();
    }
  }

  /** Keeps what the person sees. @param shown whether docs show it */
  async picture({ page }: ChatPage, name: string, shown = false): Promise<void> {
    assertNotBlank(await screenshot(page, `journey-${name}`, shown));
  }
}
