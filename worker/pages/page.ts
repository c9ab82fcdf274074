/** The frame of every own page: landmarks, one style sheet, no script, and the headers that keep it so. */
import { html, raw } from "hono/html";
import { PRODUCT } from "#protocol/version.ts";
import { toBase64Url } from "../cookies/base64url.ts";
import { STYLE } from "./style.ts";

export type Html = ReturnType<typeof html>;

/** A gate, and water that goes out under it. */
const MARK = raw(
  '<svg viewBox="0 0 32 32" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="2.6" ' +
    'stroke-linecap="round"><path d="M5 17V7a2 2 0 0 1 2-2h18a2 2 0 0 1 2 2v10M12 5v12M20 5v12"/>' +
    '<path d="M3 22q3.25-3 6.5 0t6.5 0 6.5 0 6.5 0M3 28q3.25-3 6.5 0t6.5 0 6.5 0 6.5 0"/></svg>',
);

export interface PageOptions {
  title: string;
  /** What people call the assistant; empty where no tenant is known. */
  tenant: string;
  /** The page says no, or that something is wrong. */
  trouble?: boolean;
  /** For whoever is asked for help; small, at the end. */
  reference?: string;
  /** Seconds until the page asks again by itself. */
  refreshSeconds?: number;
  /** Where it goes then; default itself. No form can lead there: CSP's form-action follows redirects. */
  refreshUrl?: string;
  /** Shows lists, not one thing. */
  wide?: boolean;
  /** May be shown in a frame of this origin; nothing that asks for anything may. */
  framed?: boolean;
}

/** @returns a page with its security headers; `body` is escaped by the template that made it */
export async function page(status: number, options: PageOptions, body: Html): Promise<Response> {
  const { title, tenant, trouble, reference, refreshSeconds, refreshUrl, framed, wide } = options;
  const refresh = refreshUrl === undefined ? `${refreshSeconds}` : `${refreshSeconds ?? 0};url=${refreshUrl}`;
  const text = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        ${(refreshSeconds ?? refreshUrl) === undefined ? "" : html`<meta http-equiv="refresh" content="${refresh}" />`}
        <title>${tenant === "" ? title : `${title} · ${tenant}`}</title>
        ${raw(`<style>${STYLE}</style>`)}
      </head>
      <body${raw(wide ? ' class="wide"' : "")}>
        <header>${MARK} <span>${tenant === "" ? PRODUCT : tenant}</span></header>
        <main${raw(trouble ? ' class="trouble"' : "")}>
          <h1>${title}</h1>
          ${body}
        </main>
        <footer>
          <p>Protected by ${PRODUCT}</p>
          ${reference === undefined ? "" : html`<p>${reference}</p>`}
        </footer>
      </body>
    </html>`;
  return new Response((await text).toString(), {
    status,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      "content-security-policy":
        `default-src 'none'; style-src ${await styleHash()}; form-action 'self'; base-uri 'none'; ` +
        `frame-ancestors ${framed ? "'self'" : "'none'"}`,
      "x-frame-options": framed ? "SAMEORIGIN" : "DENY",
      // Not "no-referrer": browsers then send `Origin: null` with our own forms (Fetch, "append a request Origin header").
      "referrer-policy": "same-origin",
      "x-content-type-options": "nosniff",
      "x-robots-tag": "noindex",
    },
  });
}

let knownHash: string | undefined;

/** A value and not a promise is kept: one request may not wait for another's work in workerd. */
async function styleHash(): Promise<string> {
  if (knownHash !== undefined) return knownHash;
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(STYLE));
  const base64 = toBase64Url(new Uint8Array(digest)).replaceAll("-", "+").replaceAll("_", "/");
  return (knownHash = `'sha256-${base64}='`);
}
