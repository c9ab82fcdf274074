/** T21: what people write about themselves, shown to an administrator in Chromium. */
import type { Attempt } from "./attempt.ts";
import type { World } from "./world.ts";

/** What bob calls his browser: shown to whoever looks after sessions. */
const PAYLOAD = `"><script>document.title = "ran"</script><img src=x onerror="document.title = 'ran'"><svg/onload="document.title='ran'">`;

export const CONSOLE_TEXT: Attempt[] = ["/", "/sessions", "/people"].map((target) => ({
  id: `page/console: shows bob's browser at ${target}`,
  threat: "T21",
  tried: `a script in the name of bob's browser, shown to an administrator at ${target}`,
  expected: "text, and nothing ran",
  async run(world: World) {
    const { evil, ask, known } = world.tenants;
    const headers: [string, string][] = [
      ["Origin", evil.origin],
      ["User-Agent", PAYLOAD],
      ["Content-Type", "application/x-www-form-urlencoded"],
    ];
    await ask(evil.origin, "POST", "/_gate/login", headers, "email=bob%40example.com");
    const context = await world.browser.newContext();
    try {
      const [name = "", value = ""] = (await known(evil.consoleOrigin, "alice@example.com")).split(/=(.*)/s);
      await context.addCookies([
        { name, value, url: evil.consoleOrigin, secure: true, httpOnly: true, sameSite: "Lax" },
      ]);
      const page = await context.newPage();
      await page.goto(evil.consoleOrigin + target, { waitUntil: "networkidle" });
      const elements = await page.locator("script, img[src=x], main svg").count();
      return (await page.title()) === "ran" || elements > 0 ? "it ran" : "text, and nothing ran";
    } finally {
      await context.close();
    }
  },
}));
