/** One tab with the Control UI, as a person has it open, and what can be seen of its sockets. */
import { setTimeout as sleep } from "node:timers/promises";
import type { BrowserContext, Locator, Page, Request } from "playwright-core";
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
  readonly #parts = { begun: 0, done: 0 };
  #waiting: (() => void)[] = [];

  private constructor(page: Page, url: string) {
    this.page = page;
    this.#url = url;
    page.on("framenavigated", (frame) => {
      if (frame === page.mainFrame()) this.navigations += 1;
    });
    const isPart = (request: Request) => new URL(request.url()).pathname.startsWith("/assets/");
    page.on("request", (request) => {
      if (isPart(request)) this.#parts.begun += 1;
    });
    for (const end of ["requestfinished", "requestfailed"] as const) {
      page.on(end as "requestfinished", (request) => {
        if (isPart(request)) this.#parts.done += 1;
        this.#tell();
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

  /** Waits for the parts that the UI loads when it has time: one that finds nobody signed in makes it reload itself. */
  async settled(): Promise<void> {
    for (let seen = -1; seen !== this.#parts.begun;) {
      seen = this.#parts.begun;
      await this.until(() => this.#parts.begun === this.#parts.done);
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
