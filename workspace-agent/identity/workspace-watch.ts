/** Notices that somebody else changed the identity files: an administrator, the model, or OpenClaw's first turn. */
import { type FSWatcher, watch } from "node:fs";
import { basename } from "node:path";

/** Editors write in several steps; the model's first turn reads soon after OpenClaw has made the file. */
const DEBOUNCE_MS = 30;
/** Personal files, and folders that cannot be watched, are looked at this often. */
const CHECK_INTERVAL_MS = 15_000;
/** A folder that does not exist yet appears in the middle of OpenClaw's first turn, which reads it right away. */
const MISSING_INTERVAL_MS = 100;

/** Where the roster stands or may stand, and what decides it. */
const WATCHED = new Set(["USER.md", "AGENTS.md", "BOOTSTRAP.md"]);

/** Calls `changed` soon after a change of these, and from time to time. @returns what ends it */
export function watchWorkspace(folder: string, changed: () => void, failed: (code: string) => void): () => void {
  let watcher: FSWatcher | null = null;
  let told = false;
  let missing: NodeJS.Timeout | undefined;
  let debounce: NodeJS.Timeout | undefined;

  function start(): void {
    if (watcher !== null) return;
    try {
      watcher = watch(folder, (event, name) => {
        // The folder itself: it was removed or moved, and what is watched is not what has the name.
        if (event === "rename" && name === basename(folder)) startAnew();
        else if (name !== null && !WATCHED.has(name)) return;
        clearTimeout(debounce);
        debounce = setTimeout(changed, DEBOUNCE_MS);
      });
      watcher.on("error", (error) => stopWatching(error));
    } catch (error) {
      stopWatching(error);
    }
  }

  function stopWatching(error: unknown): void {
    watcher?.close();
    watcher = null;
    const code = (error as NodeJS.ErrnoException).code ?? "unknown";
    if (code === "ENOENT") {
      clearTimeout(missing);
      missing = setTimeout(startWhenMade, MISSING_INTERVAL_MS);
      return;
    }
    if (told) return;
    told = true;
    failed(code);
  }

  function startAnew(): void {
    watcher?.close();
    watcher = null;
    start();
  }

  function startWhenMade(): void {
    start();
    if (watcher !== null) changed();
  }

  start();
  const interval = setInterval(() => {
    // Anew: a link on the way may lead elsewhere by now, which nobody tells.
    startAnew();
    changed();
  }, CHECK_INTERVAL_MS);
  return () => {
    clearInterval(interval);
    clearTimeout(debounce);
    clearTimeout(missing);
    watcher?.close();
  };
}
