// Runs on Node 20 with nothing installed: `node:` imports only, no TypeScript.

/** What a person can do about it, by the system's code. `path` may be missing: writes to an open file do not name it. */
const ADVICE = {
  ENOSPC: (/** @type {string} */ path) => `the disk is full${at(path)}. Make room and run the same command again`,
  EDQUOT: (/** @type {string} */ path) => `your disk quota is used up${at(path)}. Make room and run the same again`,
  EROFS: (/** @type {string} */ path) => `cannot write${at(path)}: the file system is read-only`,
  EACCES: (/** @type {string} */ path) => `cannot read or write${at(path)}: permission denied`,
  EPERM: (/** @type {string} */ path) => `cannot read or write${at(path)}: not permitted`,
  ENOTDIR: (/** @type {string} */ path) => `cannot use${at(path)}: something on the way to it is a file, not a folder`,
  EEXIST: (/** @type {string} */ path) => `cannot use${at(path)}: a file is where a folder must be. Move it away`,
  EISDIR: (/** @type {string} */ path) => `cannot use${at(path)}: a folder is where a file must be. Move it away`,
};

/**
 * Says in words why the disk refused; undefined when the error is none of the disk's, so that ours keep their stack.
 * @param {unknown} error
 * @returns {string | undefined}
 */
export function explainSystemError(error) {
  if (!(error instanceof Error)) return undefined;
  const { code, path, dest } = /** @type {NodeJS.ErrnoException & { dest?: string }} */ (error);
  if (code === undefined || !Object.hasOwn(ADVICE, code)) return undefined;
  // A failed rename names its temporary first: people know the other one.
  return ADVICE[/** @type {keyof typeof ADVICE} */ (code)](dest ?? path ?? "");
}

/** @param {string} path */
function at(path) {
  return path === "" ? "" : ` ${path}`;
}
