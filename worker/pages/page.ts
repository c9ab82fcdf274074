/** The shell of every own page: no script, own CSS under a nonce, light and dark, one column that fits a phone. */
import { html, raw } from "hono/html";
import { PRODUCT } from "#protocol/version.ts";

export type Html = ReturnType<typeof html>;

const CSS = `
:root { color-scheme: light dark; --ink: #16211f; --soft: #5a6b67; --paper: #f3f6f5; --card: #ffffff; --line: #d7e0dd;
  --accent: #0b6e5f; --on-accent: #ffffff; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7efed; --soft: #9fb1ac; --paper: #0f1615; --card: #18211f;
  --line: #2b3834; --accent: #4cc2ac; --on-accent: #06231e; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 24px 16px; background: var(--paper);
  color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Open Sans", sans-serif; }
main { width: 100%; max-width: 440px; background: var(--card); border: 1px solid var(--line); border-radius: 16px;
  padding: 32px 28px; }
h1 { font-size: 24px; line-height: 1.25; margin: 0 0 12px; }
p { margin: 0 0 16px; } p:last-child { margin-bottom: 0; }
.soft { color: var(--soft); font-size: 14px; }
form { margin: 0 0 10px; }
label { display: block; margin: 0 0 6px; }
input { width: 100%; padding: 12px 14px; margin: 0 0 10px; border: 1px solid var(--line); border-radius: 10px;
  background: transparent; color: inherit; font: inherit; }
nav { display: grid; gap: 10px; margin: 0 0 20px; }
button, .button { display: block; width: 100%; padding: 13px 16px; border: 1px solid var(--line); border-radius: 10px;
  background: transparent; color: inherit; font: inherit; text-align: left; text-decoration: none; cursor: pointer; }
button:hover, .button:hover { border-color: var(--accent); }
.primary { background: var(--accent); border-color: var(--accent); color: var(--on-accent); text-align: center;
  font-weight: 600; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.role { float: right; color: var(--soft); font-size: 14px; }
dl { display: grid; grid-template-columns: auto 1fr; gap: 6px 16px; margin: 0 0 20px; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
footer { margin-top: 24px; padding-top: 16px; border-top: 1px solid var(--line); color: var(--soft); font-size: 13px; }
`;

export interface PageOptions {
  title: string;
  tenant: string;
  /** Seconds until the page asks again by itself. */
  refreshSeconds?: number;
  /** Where it goes then; default itself. No form can lead there: CSP's form-action follows redirects. */
  refreshUrl?: string;
}

/** @returns a page with its security headers; `body` is escaped by the template that made it */
export async function page(status: number, options: PageOptions, body: Html): Promise<Response> {
  const nonce = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(12))));
  const { title, tenant, refreshSeconds, refreshUrl } = options;
  const refresh = refreshUrl === undefined ? `${refreshSeconds}` : `${refreshSeconds ?? 0};url=${refreshUrl}`;
  const text = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        ${(refreshSeconds ?? refreshUrl) === undefined ? "" : html`<meta http-equiv="refresh" content="${refresh}" />`}
        <title>${title} · ${tenant}</title>
        <style nonce="${nonce}">
          ${raw(CSS)}
        </style>
      </head>
      <body>
        <main>
          <h1>${title}</h1>
          ${body}
          <footer>${tenant} · protected by ${PRODUCT}</footer>
        </main>
      </body>
    </html>`;
  return new Response((await text).toString(), {
    status,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      "content-security-policy": `default-src 'none'; style-src 'nonce-${nonce}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
      // Not "no-referrer": browsers then send `Origin: null` with our own forms (Fetch, "append a request Origin header").
      "referrer-policy": "same-origin",
      "x-content-type-options": "nosniff",
      "x-robots-tag": "noindex",
    },
  });
}
