/** Screenshots that are documentation, and the check that something can be read on them. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inflateSync } from "node:zlib";
import type { Page } from "playwright-core";

const FOLDER = "docs/screenshots";

/**
 * Takes a PNG; it replaces the one in docs only when UPDATE_SCREENSHOTS is set, so that a test run changes no file.
 * @param shown whether docs show it at all
 */
export async function screenshot(page: Page, name: string, shown = true): Promise<Buffer> {
  const image = await page.screenshot();
  const folder = shown && process.env["UPDATE_SCREENSHOTS"] ? FOLDER : ".tidegate/screenshots";
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.png`), image);
  return image;
}

/** @throws when the picture has too few colours for text: a machine without fonts renders white pages */
export function assertNotBlank(png: Buffer): void {
  const colours = new Set<number>();
  const { pixels, stride, bytesPerPixel } = decode(png);
  for (let row = 0; row < pixels.length; row += stride + 1) {
    for (let at = row + 1; at < row + stride; at += bytesPerPixel) {
      colours.add(((pixels[at] ?? 0) << 16) | ((pixels[at + 1] ?? 0) << 8) | (pixels[at + 2] ?? 0));
    }
  }
  if (colours.size < 30) throw new Error(`the screenshot looks blank: ${colours.size} distinct values`);
}

/** Filtered scanlines are enough to count variety: a blank page filters to the same few bytes. */
function decode(png: Buffer): { pixels: Buffer; stride: number; bytesPerPixel: number } {
  const chunks: Buffer[] = [];
  for (let at = 8; at < png.length;) {
    const length = png.readUInt32BE(at);
    if (png.toString("latin1", at + 4, at + 8) === "IDAT") chunks.push(png.subarray(at + 8, at + 8 + length));
    at += length + 12;
  }
  const bytesPerPixel = png[25] === 6 ? 4 : 3;
  return { pixels: inflateSync(Buffer.concat(chunks)), stride: png.readUInt32BE(16) * bytesPerPixel, bytesPerPixel };
}
