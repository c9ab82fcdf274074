import fc from "fast-check";
import { expect, test } from "vitest";
import { checkConfig, parseConfig } from "../../../../worker/config/parse-config.ts";
import { many, single, tenantsFile } from "./documents.ts";

/** What keys, cookies and passwords look like; long enough that it is in no sentence of ours by chance. */
const secretLike = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9_-]{20,60}$/),
  fc.stringMatching(/^sk-[a-z0-9]{24}$/),
  fc.stringMatching(/^-----BEGIN [A-Z]{12,20}-----\n[A-Za-z0-9+/]{24}$/),
  fc.stringMatching(/^https:\/\/[a-z]{12}:[a-z0-9]{20}@id\.example\/[a-z]{12}$/),
  fc.stringMatching(/^[a-z]{16}@[a-z]{16}$/),
  fc.string({ unit: "grapheme", minLength: 24, maxLength: 40 }).filter((text) => new Set(text).size > 12),
);

/** Every place of a document, its objects and lists included. */
function places(value: unknown, at: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== "object" || value === null) return [at];
  const inner = Object.entries(value).flatMap(([key, child]) =>
    places(child, [...at, Array.isArray(value) ? Number(key) : key]),
  );
  return at.length === 0 ? inner : [at, ...inner];
}

function plant(target: unknown, at: (string | number)[], planted: unknown): void {
  let here = target as Record<string | number, unknown>;
  for (const step of at.slice(0, -1)) {
    const next = here[step];
    // Something was planted above already.
    if (typeof next !== "object" || next === null) return;
    here = next as Record<string | number, unknown>;
  }
  here[at.at(-1) ?? ""] = planted;
}

const told = (env: Record<string, unknown>, file?: unknown): string => {
  const { problems } = checkConfig(env, file);
  if (problems.length === 0) return "";
  try {
    parseConfig(env, file);
  } catch (error) {
    return `${JSON.stringify(problems)} ${String(error)} ${JSON.stringify(error)}`;
  }
  throw new Error("problems, yet parsed");
};

const has = (text: string, secret: string) =>
  text.includes(secret) || text.includes(JSON.stringify(secret).slice(1, -1));

test("no value of a variable is ever printed", () => {
  const names = [...Object.keys(single), "ENVIRONMENT", "STUB_USERS", "OIDC_CLIENT_AUTH", "STORAGE_KEY", "DEBUG"];
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom(...names), secretLike), { minLength: 1, maxLength: 8 }),
      (planted) => {
        const text = told({ ...single, ...Object.fromEntries(planted) });
        for (const [, secret] of planted) expect(has(text, secret)).toBe(false);
      },
    ),
    { numRuns: 200 },
  );
});

test("no value of a tenant document is ever printed, wherever it stands and in whatever it is wrapped", () => {
  const all = places(tenantsFile());
  expect(all.length).toBeGreaterThan(80);
  const wrapped = fc.tuple(secretLike, fc.constantFrom(0, 1, 2, 3)).map(([secret, kind]) => ({
    secret,
    value: [secret, [secret], { group: secret, provider: secret }, { [secret]: secret }][kind],
  }));
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom(...all), wrapped), { minLength: 1, maxLength: 5 }), (planted) => {
      const file = tenantsFile();
      for (const [at, { value }] of planted) plant(file, at, value);
      const text = told(many, file);
      for (const [, { secret }] of planted) expect(has(text, secret)).toBe(false);
    }),
    { numRuns: 300 },
  );
});

test("every place of the document can be spoilt, and something is told or nothing breaks", () => {
  for (const at of places(tenantsFile())) {
    for (const value of [
      null,
      0,
      -1,
      "",
      " ",
      "\0",
      true,
      [],
      {},
      [null],
      { __proto__: null },
      Number.NaN,
      "x".repeat(9_999),
    ]) {
      const file = tenantsFile();
      plant(file, at, value);
      expect(() => checkConfig(many, file), JSON.stringify({ at, value })).not.toThrow();
    }
  }
});
