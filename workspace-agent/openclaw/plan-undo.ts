/** From what `configure` left, perhaps edited by others since, back to what was before it. Pure. */
import type { ChangeRecord } from "./change-record.ts";
import { ALLOWED_ORIGINS, PASSWORD } from "./plan-change.ts";
import {
  applyMergePatch,
  isPlainObject,
  mergeDiff,
  mergePatch,
  type Path,
  same,
  type Setting,
  valueAt,
} from "./setting-path.ts";

/** What OpenClaw writes about its own writing. */
const META = "meta";

/** @returns whether `current` is `original` with our settings and nothing else */
export function isOnlyOurs(
  original: Setting,
  current: Setting,
  set: ChangeRecord["set"],
  password: string | null,
): boolean {
  return same(withoutMeta(applyMergePatch(original, ourPatch(set, password))), withoutMeta(current));
}

/** @returns a patch that gives back each of our values that is still ours; empty when none is */
export function planUndo(
  original: Record<string, unknown>,
  current: Record<string, unknown>,
  set: ChangeRecord["set"],
  password: string | null,
): Record<string, unknown> {
  const entries: [Path, Setting][] = [
    ...set.map(({ path, value }): [Path, Setting] => [path, value ?? undefined]),
    ...(password === null ? [] : [[PASSWORD, password] as [Path, Setting]]),
  ];
  let undone: Setting = current;
  for (const [path, ours] of entries) {
    const now = valueAt(current, path);
    const before = valueAt(original, path);
    if (same(now, ours)) undone = applyMergePatch(undone, mergePatch([[path, before]]));
    else if (same(path, ALLOWED_ORIGINS))
      undone = applyMergePatch(undone, mergePatch([[path, withoutOurs(now, ours, before)]]));
  }
  return mergeDiff(current, pruned(undone, original) as Record<string, unknown>);
}

function ourPatch(set: ChangeRecord["set"], password: string | null): Record<string, unknown> {
  return mergePatch([
    ...set.map(({ path, value }): [Path, Setting] => [path, value ?? undefined]),
    ...(password === null ? [] : [[PASSWORD, password] as [Path, Setting]]),
  ]);
}

/** Others added to the list or took from it: what we added goes, the rest stays. */
function withoutOurs(now: Setting, ours: Setting, before: Setting): Setting {
  if (!Array.isArray(now) || !Array.isArray(ours)) return now;
  const had: readonly unknown[] = Array.isArray(before) ? before : [];
  const kept = now.filter((origin) => had.includes(origin) || !ours.includes(origin));
  return kept.length === 0 ? before : kept;
}

/** Takes out objects that are empty now and were not there before. */
function pruned(value: Setting, original: Setting): Setting {
  if (!isPlainObject(value)) return value;
  const kept = Object.entries(value).flatMap(([name, child]) => {
    const before = isPlainObject(original) ? original[name] : undefined;
    const rest = pruned(child, before);
    return isPlainObject(rest) && Object.keys(rest).length === 0 && before === undefined ? [] : [[name, rest] as const];
  });
  return Object.fromEntries(kept);
}

function withoutMeta(config: Setting): Setting {
  if (!isPlainObject(config)) return config;
  const { [META]: _, ...rest } = config;
  return rest;
}
