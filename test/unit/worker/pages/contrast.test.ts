import { expect, test } from "vitest";
import { DARK, LIGHT, type Palette } from "../../../../worker/pages/palette.ts";

/** WCAG 2.2, "relative luminance". */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5]
    .map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

type Pair = [what: string, front: keyof Palette, back: keyof Palette, atLeast: number];

const PAIRS: Pair[] = [
  ["text on the card", "ink", "card", 7],
  ["text on the page", "ink", "paper", 7],
  ["quiet text on the card", "soft", "card", 4.5],
  ["quiet text on the page", "soft", "paper", 4.5],
  ["a link", "accent", "card", 4.5],
  ["the main button's text", "onAccent", "accent", 4.5],
  ["the main button", "accent", "card", 3],
  ["the edge of a field or button", "edge", "card", 3],
  ["the focus ring", "accent", "paper", 3],
  ["the mark of a page that says no", "warning", "card", 3],
];

test("black on white is 21 to 1, and a colour on itself 1", () => {
  expect(contrast("#000000", "#ffffff")).toBeCloseTo(21);
  expect(contrast("#777777", "#777777")).toBe(1);
});

test.each([
  ...PAIRS.map((pair) => ["light", LIGHT, ...pair] as const),
  ...PAIRS.map((pair) => ["dark", DARK, ...pair] as const),
])("in the %s palette %j", (_mode, palette, _what, front, back, atLeast) => {
  expect(contrast(palette[front], palette[back])).toBeGreaterThanOrEqual(atLeast);
});
