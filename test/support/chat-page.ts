/** One tab with the Control UI, as a person has it open, and what can be seen of its sockets. */
import { setTimeout as sleep } from "node:timers/promises";
import type { BrowserContext, Locator, Page, Request } from "playwright-core";
import { say } from "./composer.ts";
import { passNotice } from "./notice.ts";

/** A UI that has asked for no part for so long has all that it wants for now. */
const QUIET_MS = 700;

export class ChatPage {
  readonly page: Page;
  /** Every frame that came on any of its sockets. */
  readonly frames: string[] = [];
  /** Sockets it has opened so far. */
  sockets = 0;
  /** Navigations of the tab itself. */
  navigations = 0;
  readonly #url: string;
  /** Parts of the UI on their way, and how many were ever asked for. */
  readonly #parts = new Set<Request>();
  #asked = 0;
  #waiting: (() => void)[] = [];

  private constructor(page: Page, url: string) {
    this.page = page;
    this.#url = url;
    page.on("framenavigated", (frame) => {
      if (frame !== page.mainFrame()) return;
      this.navigations += 1;
      // What a page that is left had on its way may end without a word.
      this.#parts.clear();
      this.#tell();
    });
    const isPart = (request: Request) => new URL(request.url()).pathname.startsWith("/assets/");
    page.on("request", (request) => {
      if (!isPart(request)) return;
      this.#parts.add(request);
      this.#asked += 1;
    });
    for (const end of ["requestfinished", "requestfailed"] as const) {
      page.on(end as "requestfinished", (request) => {
        if (this.#parts.delete(request)) this.#tell();
      });
    }
    page.on("websocket", (socket) => {
      this.sockets += 1;
      this.#tell();
      socket.on("framereceived", ({ payload }) => {
        this.frames.push(String(payload));
        this.#tell();
      });
    });
  }

  static async open(context: BrowserContext, url: string): Promise<ChatPage> {
    const page = await context.newPage();
    await page.addInitScript(() => {
      const closes: number[] = [];
      Object.assign(globalThis, {
        closes,
        WebSocket: class extends WebSocket {
          constructor(...address: ConstructorParameters<typeof WebSocket>) {
            super(...address);
            this.addEventListener("close", ({ code }) => closes.push(code));
          }
        },
      });
    });
    return new ChatPage(page, url);
  }

  get composer(): Locator {
    return this.page.locator("textarea:visible").first();
  }

  /** How often OpenClaw has let it in. */
  get connections(): number {
    return this.frames.filter((frame) => frame.includes('"hello-ok"')).length;
  }

  /** Signs in at the development provider, if it asks, and waits until the chat can be used. */
  async signIn(login: string): Promise<void> {
    const before = this.connections;
    await this.page.goto(`${this.#url}/`);
    await this.signInHere(login);
    await this.connected(before + 1);
    await this.settled();
  }

  /** Signs in as one of the stub's people, and waits until the chat can be used. */
  async signInAs(email: string): Promise<void> {
    const before = this.connections;
    await this.page.goto(`${this.#url}/`);
    await this.pick(email);
    await this.connected(before + 1);
    await this.settled();
  }

  /** As {@link signInAs}, from the stub's page where the tab is, up to where the chat can be seen. */
  async pick(email: string): Promise<void> {
    await this.page.getByRole("button", { name: new RegExp(email.replaceAll(".", "\\.")) }).click();
    await passNotice(this.page, this.composer);
  }

  /** Opens a session of its own, which begins with the first message. */
  async openNewSession(agent = "main"): Promise<void> {
    await this.open(`/new?agent=${agent}`);
    await this.composer.waitFor();
  }

  /** Loads a page of the UI, connected and with all of its parts. */
  async open(path: string): Promise<void> {
    const before = this.connections;
    await this.page.goto(`${this.#url}${path}`);
    await this.connected(before + 1);
    await this.settled();
  }

  async reload(): Promise<void> {
    const before = this.connections;
    await this.page.reload();
    await this.connected(before + 1);
  }

  async say(text: string): Promise<void> {
    await say(this.composer, text);
  }

  /** Waits until a person can read `text` on the page; it may stand in many elements. */
  async shows(text: string): Promise<void> {
    await this.showsOneOf(text);
  }

  async showsOneOf(...texts: string[]): Promise<void> {
    const isThere = (parts: string[]) => parts.some((part) => document.body.innerText.includes(part));
    await this.page.waitForFunction(isThere, texts, { timeout: 110_000 });
  }

  /** When the document in the tab began: the same as long as nothing has loaded it again. */
  document(): Promise<number> {
    return this.page.evaluate(() => performance.timeOrigin);
  }

  text(): Promise<string> {
    return this.page.evaluate(() => document.body.innerText);
  }

  /** Waits for the parts that the UI loads when it has time: one that finds nobody signed in makes it reload itself. */
  async settled(): Promise<void> {
    for (let seen = -1; seen !== this.#asked;) {
      seen = this.#asked;
      await this.until(() => this.#parts.size === 0);
      await sleep(QUIET_MS);
    }
  }

  /** As {@link signIn}, from the provider's page where the tab is. */
  async signInHere(login: string): Promise<void> {
    await this.page.getByPlaceholder("Enter any login").fill(login);
    await this.page.getByPlaceholder("and password").fill("any");
    await this.page.getByRole("button", { name: "Sign-in" }).click();
    await passNotice(this.page, this.composer);
  }

  async connected(times: number): Promise<void> {
    await this.until(() => this.connections >= times);
  }

  /** Waits for a frame that holds `text`, among those after the first `from`. */
  async frame(text: string, from = 0): Promise<void> {
    await this.until(() => this.frames.slice(from).some((frame) => frame.includes(text)));
  }

  /** Asks again at each frame and each new socket. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Close codes of its sockets since it was loaded. */
  closes(): Promise<number[]> {
    return this.page.evaluate(() => (globalThis as unknown as { closes: number[] }).closes);
  }

  /** Makes the service worker see an answer of the gateway's. @returns what the page itself gets to see of it */
  async request(
    method: string,
    target: string,
  ): Promise<{ status: number; type: string; headers: Record<string, string>; text: string }> {
    await this.page.evaluate(async () => {
      const { serviceWorker } = navigator;
      if (serviceWorker.controller === null) {
        await new Promise((resolve) => serviceWorker.addEventListener("controllerchange", resolve, { once: true }));
      }
    });
    return this.page.evaluate(
      async ([verb, address]) => {
        const response = await fetch(address ?? "", { method: verb ?? "GET", redirect: "manual", cache: "no-store" });
        const { status, type, headers } = response;
        return { status, type, headers: Object.fromEntries(headers), text: await response.text() };
      },
      [method, target],
    );
  }

  #tell(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
