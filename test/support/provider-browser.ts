/** A browser at a real provider, without a window: follows redirects with its cookies and fills in the login form. */
export class ProviderBrowser {
  readonly #cookies = new Map<string, string>();

  /** @returns the address on `home` that the provider finally sends the browser to */
  async visit(address: string, home: string, login: string): Promise<string> {
    let next: { url: URL; form?: URLSearchParams } = { url: new URL(address) };
    for (let hops = 0; hops < 12; hops++) {
      if (next.url.origin === home) return next.url.href;
      const { url, form } = next;
      const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ");
      const response = await fetch(url, {
        redirect: "manual",
        headers: { cookie, ...(form ? { "content-type": "application/x-www-form-urlencoded" } : {}) },
        ...(form ? { method: "POST", body: form.toString() } : {}),
      });
      this.#keep(response.headers.getSetCookie());
      const location = response.headers.get("location");
      const text = await response.text();
      if (location !== null) next = { url: new URL(location, url) };
      else next = fillIn(url, text, login);
    }
    throw new Error("too many steps at the provider");
  }

  #keep(lines: string[]): void {
    for (const line of lines) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === "") this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
  }
}

function fillIn(url: URL, text: string, login: string): { url: URL; form: URLSearchParams } {
  const action = /<form[^>]*action="([^"]+)"/.exec(text)?.[1];
  if (action === undefined) throw new Error(`no form at ${url.pathname}: ${text.slice(0, 2_000)}`);
  const form = new URLSearchParams();
  // A button that is pressed counts as a field (the provider's "Yes, sign me out").
  for (const [field] of text.matchAll(/<(?:input|button)[^>]*>/g)) {
    const name = /name="([^"]+)"/.exec(field)?.[1];
    if (name !== undefined) form.set(name, /value="([^"]*)"/.exec(field)?.[1] ?? "");
  }
  if (form.has("login")) form.set("login", login);
  if (form.has("password")) form.set("password", "any");
  return { url: new URL(action.replaceAll("&#x2F;", "/").replaceAll("&amp;", "&"), url), form };
}
