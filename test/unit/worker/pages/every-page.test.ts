import { describe, expect, test } from "vitest";
import { everyPage, USUAL, type Words } from "./every-page.ts";

const HOSTILE = `<script>alert(1)</script>"'\`&<img src=x onerror=alert(1)>\u202e`;
const HOSTILE_WORDS = Object.fromEntries(Object.keys(USUAL).map((word) => [word, HOSTILE])) as unknown as Words;
const usual = Object.entries(everyPage(USUAL));
const hostile = Object.entries(everyPage(HOSTILE_WORDS));
/** The ends of a silent renewal, in a frame of our own. */
const FRAMED = new Set(["renewed", "not-renewed"]);

describe.each(usual)("the page %s", (name, make) => {
  test("brings the headers that keep it what it is", async () => {
    const { headers } = await make();
    const policy = headers.get("content-security-policy") ?? "";
    const own = FRAMED.has(name);
    expect(headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("referrer-policy")).toBe("same-origin");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("x-frame-options")).toBe(own ? "SAMEORIGIN" : "DENY");
    const parts = policy.split("; ");
    expect(parts.map((part) => part.split(" ")[0])).toEqual([
      "default-src",
      "style-src",
      "form-action",
      "base-uri",
      "frame-ancestors",
    ]);
    expect(parts[0]).toBe("default-src 'none'");
    expect(parts[1]).toMatch(/^style-src 'sha256-[A-Za-z0-9+/]{43}='$/);
    expect(parts[4]).toBe(own ? "frame-ancestors 'self'" : "frame-ancestors 'none'");
  });

  test("is one small document with one heading, a title, landmarks and a language, and no script", async () => {
    const text = await (await make()).text();
    expect(new TextEncoder().encode(text).byteLength).toBeLessThan(14 * 1024);
    expect(text).toMatch(/^<!doctype html>\s*<html lang="en">/);
    for (const element of ["h1", "title", "header", "main", "footer", "style"]) {
      expect(text.match(new RegExp(`<${element}[ >]`, "g")), element).toHaveLength(1);
    }
    expect(text).toContain('content="width=device-width, initial-scale=1"');
    expect(text).not.toMatch(/<script|<link|<img|<iframe|javascript:|\son\w+=|\sstyle=/i);
  });

  test("carries the very style sheet that its policy names", async () => {
    const response = await make();
    const sheet = /<style>([^]*?)<\/style>/.exec(await response.text())?.[1] ?? "";
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(sheet)));
    const base64 = btoa(String.fromCharCode(...digest));
    expect(response.headers.get("content-security-policy")).toContain(`'sha256-${base64}'`);
  });

  test("labels each field, names each button and link, and sends forms to this origin only", async () => {
    const text = await (await make()).text();
    for (const [field] of text.matchAll(/<input[^>]*>/g)) {
      if (field.includes('type="hidden"')) continue;
      const id = / id="([^"]+)"/.exec(field)?.[1];
      expect(text).toContain(`<label for="${id}">`);
    }
    for (const [, content = ""] of text.matchAll(/<(?:button|a)[ >][^>]*>([^]*?)<\/(?:button|a)>/g)) {
      expect(content.replaceAll(/<[^>]*>/g, "").trim()).not.toBe("");
    }
    for (const [, action] of text.matchAll(/<form[^>]*action="([^"]*)"/g)) expect(action).toMatch(/^\/_gate\//);
  });
});

test.each(hostile)("the page %s shows hostile names as text", async (_name, make) => {
  const text = await (await make()).text();
  expect(text).not.toMatch(/<script|<img/);
  // In attributes too: no quote of theirs ends one.
  for (const [tag] of text.matchAll(/<[a-z][^>]*alert[^>]*>/g)) expect(tag).not.toMatch(/["'] ?(onerror|src)/);
});

test("somebody's name cannot turn the text around it (bidirectional controls)", async () => {
  for (const name of ["welcome", "index", "denied"]) {
    const text = await (await everyPage(HOSTILE_WORDS)[name]?.())?.text();
    const around = [...(text ?? "").matchAll(/(<bdi>)?&lt;script&gt;/g)];
    expect(
      around.some(([, isolated]) => isolated !== undefined),
      name,
    ).toBe(true);
  }
});
