/** Settings by path, in values that were JSON once. Pure. */
import { isDeepStrictEqual } from "node:util";

export type Path = readonly string[];
/** Absent settings are `undefined`, which JSON has no word for. */
export type Setting = unknown;

/** @returns the value at `path`, or undefined */
export function valueAt(root: Setting, path: Path): Setting {
  let value = root;
  for (const name of path) {
    if (!isPlainObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}

/** @returns one object that sets each path; `undefined` becomes `null`, which deletes (RFC 7396) */
export function mergePatch(entries: readonly (readonly [Path, Setting])[]): Record<string, unknown> {
  const patch: Record<string, unknown> = {};
  for (const [path, value] of entries) {
    let target = patch;
    for (const name of path.slice(0, -1)) target = (target[name] ??= {}) as Record<string, unknown>;
    target[path.at(-1) ?? ""] = value ?? null;
  }
  return patch;
}

/** @returns `target` with `patch` merged into it (RFC 7396); neither is changed */
export function applyMergePatch(target: Setting, patch: Setting): Setting {
  if (!isPlainObject(patch)) return patch;
  const merged: Record<string, unknown> = isPlainObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else merged[name] = applyMergePatch(merged[name], value);
  }
  return merged;
}

export function same(a: Setting, b: Setting): boolean {
  return isDeepStrictEqual(a, b);
}

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @returns the patch that makes `to` of `from` (RFC 7396); empty when they are the same */
export function mergeDiff(from: Record<string, unknown>, to: Record<string, unknown>): Record<string, unknown> {
  const patch: Record<string, unknown> = {};
  for (const name of new Set([...Object.keys(from), ...Object.keys(to)])) {
    const [before, after] = [from[name], to[name]];
    if (same(before, after)) continue;
    patch[name] = isPlainObject(before) && isPlainObject(after) ? mergeDiff(before, after) : (after ?? null);
  }
  return patch;
}
