/** alice's browser, in which she is signed in everywhere as an administrator, and a page of the hostile OpenClaw in it. */
import type { BrowserContext, Page } from "playwright-core";
import type { World } from "./world.ts";

const ALICE = "alice@example.com";

export type Place = "assistant" | "console" | "neighbour" | "neighbour's console";

export class Victim {
  readonly page: Page;
  readonly #world: World;
  readonly #context: BrowserContext;
  readonly #cookies: Record<Place, string>;

  private constructor(world: World, context: BrowserContext, page: Page, cookies: Record<Place, string>) {
    this.#world = world;
    this.#context = context;
    this.page = page;
    this.#cookies = cookies;
  }

  /** @param content of the hostile page; its scripts run in her browser */
  static async visit(world: World, content = ""): Promise<Victim> {
    const { evil, known } = world.tenants;
    const context = await world.browser.newContext();
    const cookies = {} as Record<Place, string>;
    for (const [place, origin] of placesOf(world)) {
      cookies[place] = await known(origin, ALICE);
      const [name = "", value = ""] = cookies[place].split(/=(.*)/s);
      await context.addCookies([{ name, value, url: origin, secure: true, httpOnly: true, sameSite: "Lax" }]);
    }
    const page = await context.newPage();
    await page.goto(evil.origin + evil.openclaw.play(document(content)));
    return new Victim(world, context, page, cookies);
  }

  /** Runs a script of the page's. @returns what it returns, or how it failed */
  async run(script: string): Promise<string> {
    const caught = `(async () => { try { return String(await (async () => { ${script} })()) } catch (error) { return error.name } })()`;
    return this.page.evaluate<string>(caught);
  }

  /** Runs a script that leads the tab elsewhere. @returns where it is then, and what is written there */
  async leave(script: string): Promise<{ status: number; text: string }> {
    const [response] = await Promise.all([
      this.page.waitForResponse((answer) => answer.request().isNavigationRequest() && answer.status() !== 307),
      this.page.evaluate(script),
    ]);
    await this.page.waitForLoadState();
    return { status: response.status(), text: (await this.page.textContent("body")) ?? "" };
  }

  /** @returns where she is not signed in any more; empty: nowhere */
  async signedOutOf(): Promise<Place[]> {
    const out: Place[] = [];
    for (const [place, origin] of placesOf(this.#world)) {
      const target = place.endsWith("console") ? "/api/me" : "/_gate/session";
      const { status } = await this.#world.tenants.ask(origin, "GET", target, [["Cookie", this.#cookies[place]]]);
      if (status !== 200) out.push(place);
    }
    return out;
  }

  async close(): Promise<void> {
    await this.#context.close();
  }
}

export function placesOf({ tenants: { evil, good } }: World): [Place, string][] {
  return [
    ["assistant", evil.origin],
    ["console", evil.consoleOrigin],
    ["neighbour", good.origin],
    ["neighbour's console", good.consoleOrigin],
  ];
}

/** A document as the hostile OpenClaw answers it. */
export function document(content: string, type = "text/html"): string {
  const body = type === "text/html" ? `<!doctype html><title>hostile</title><body>${content}</body>` : content;
  return `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

/** Has whoever follows ask the same again elsewhere, with method and body. */
export function redirect(location: string): string {
  return `HTTP/1.1 307 Temporary Redirect\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`;
}
