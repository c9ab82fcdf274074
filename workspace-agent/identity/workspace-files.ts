/**
 * Files of OpenClaw's workspace, written so that a reader sees the old text or the new one, never half of it.
 * No component below the workspace may be a symbolic link: OpenClaw refuses such files, and one planted there
 * would make this process write where its planter cannot.
 */
import { randomBytes } from "node:crypto";
import { constants, type Dirent } from "node:fs";
import { lstat, mkdir, open, readdir, rename, rm, rmdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isRunning } from "../state/is-running.ts";

/** A larger USER.md is nobody's notes. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;

const TEMPORARY = /\.md\.tidegate-(\d{1,10})-[0-9a-f]+\.tmp$/;
const NEVER_WRITTEN: ReadonlySet<string> = new Set(["symlink", "not_a_file", "too_large"]);

/** The workspace cannot be read or written as needed; `code` is the system's, or `symlink`, `not_a_file`, `too_large`. */
export class WorkspaceError extends Error {
  readonly code: string;
  /** Relative to the workspace. */
  readonly path: string;

  constructor(code: string, path: string, options?: ErrorOptions) {
    super(`${path}: ${code}`, options);
    this.name = "WorkspaceError";
    this.code = code;
    this.path = path;
  }
}

export class WorkspaceFiles {
  readonly #folder: string;
  /** Folders, relative, in which nothing of a killed process is left. */
  readonly #swept = new Set<string>();

  /** @param folder absolute path; may itself be reached through links, as its owner set it up */
  constructor(folder: string) {
    this.#folder = folder;
  }

  get folder(): string {
    return this.#folder;
  }

  /**
   * Makes the workspace folder when it is missing and its parent belongs to this user: whoever makes the folder owns
   * it, and OpenClaw must be able to write there.
   * @returns whether it exists @throws {WorkspaceError}
   */
  async ensure(): Promise<boolean> {
    return this.#guard([], async () => {
      if ((await stat(this.#folder).catch(nullIfMissing)) !== null) return true;
      const parent = await stat(dirname(this.#folder)).catch(nullIfMissing);
      if (parent === null || parent.uid !== process.getuid?.()) return false;
      await mkdir(this.#folder, { mode: 0o755 }).catch(ignoreExisting);
      return true;
    });
  }

  /** @returns the file's bytes, or null when it does not exist @throws {WorkspaceError} */
  async read(parts: readonly string[]): Promise<Buffer | null> {
    return this.#guard(parts, async () => {
      if (!(await this.#checkFolders(parts))) return null;
      const path = join(this.#folder, ...parts);
      // O_NONBLOCK: a named pipe in the file's place must not block this process.
      const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
        nullIfMissing,
      );
      if (file === null) return null;
      try {
        const status = await file.stat();
        if (!status.isFile()) throw new WorkspaceError("not_a_file", parts.join("/"));
        if (status.size > MAX_FILE_BYTES) throw new WorkspaceError("too_large", parts.join("/"));
        return await file.readFile();
      } finally {
        await file.close();
      }
    });
  }

  /** As {@link read}; null also for a link or what else {@link write} never makes. @throws {WorkspaceError} */
  async readPlain(parts: readonly string[]): Promise<Buffer | null> {
    try {
      return await this.read(parts);
    } catch (error) {
      if (error instanceof WorkspaceError && NEVER_WRITTEN.has(error.code)) return null;
      throw error;
    }
  }

  /** Replaces the file, and makes the folders above it below the workspace. @throws {WorkspaceError} */
  async write(parts: readonly string[], bytes: Uint8Array): Promise<void> {
    await this.#guard(parts, async () => {
      const folders = parts.slice(0, -1);
      for (let depth = 1; depth <= folders.length; depth++) {
        // Before each: mkdir goes through a link above the folder that it makes.
        await this.#checkFolders(parts.slice(0, depth));
        await mkdir(join(this.#folder, ...folders.slice(0, depth)), { mode: 0o755 }).catch(ignoreExisting);
      }
      await this.#checkFolders(parts);
      const path = join(this.#folder, ...parts);
      if ((await lstat(path).catch(nullIfMissing))?.isSymbolicLink())
        throw new WorkspaceError("symlink", parts.join("/"));
      await this.#sweep(folders);
      // `wx` refuses a name that exists, links included.
      const temporary = `${path}.tidegate-${process.pid}-${randomBytes(6).toString("hex")}.tmp`;
      const file = await open(temporary, "wx", 0o644);
      try {
        await file.writeFile(bytes);
        // The process's umask may have taken the group's and others' right to read: OpenClaw may run as another user.
        await file.chmod(0o644);
        await file.sync();
        await file.close();
        await rename(temporary, path);
      } catch (error) {
        await file.close().catch(() => {});
        await rm(temporary, { force: true });
        throw error;
      }
    });
  }

  /** Removes the file; a missing one is fine. @throws {WorkspaceError} */
  async remove(parts: readonly string[]): Promise<void> {
    await this.#guard(parts, async () => {
      if (await this.#checkFolders(parts)) await rm(join(this.#folder, ...parts), { force: true });
    });
  }

  /** Removes a folder that is empty; another, or none, is left as it is. @throws {WorkspaceError} */
  async removeFolder(parts: readonly string[]): Promise<void> {
    await this.#guard(parts, async () => {
      if (!(await this.#checkFolders([...parts, ""]))) return;
      await this.#sweep(parts);
      await rmdir(join(this.#folder, ...parts)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
      });
    });
  }

  /** @returns the names in a folder below the workspace, none when it does not exist @throws {WorkspaceError} */
  async list(parts: readonly string[]): Promise<string[]> {
    return (await this.#entries(parts)).map(({ name }) => name);
  }

  /** @returns as {@link list}, without what is itself a folder @throws {WorkspaceError} */
  async listFiles(parts: readonly string[]): Promise<string[]> {
    return (await this.#entries(parts)).flatMap((entry) => (entry.isDirectory() ? [] : [entry.name]));
  }

  async #entries(parts: readonly string[]): Promise<Dirent[]> {
    return this.#guard(parts, async () => {
      if (!(await this.#checkFolders([...parts, ""]))) return [];
      return readdir(join(this.#folder, ...parts), { withFileTypes: true });
    });
  }

  /** Removes what a process of ours that was killed in mid-write left in a folder; once, before the first write there. */
  async #sweep(folders: readonly string[]): Promise<void> {
    const key = folders.join("/");
    if (this.#swept.has(key)) return;
    for (const name of await readdir(join(this.#folder, ...folders))) {
      const pid = Number(TEMPORARY.exec(name)?.[1] ?? Number.NaN);
      // In a container every process of ours may have had this one's number.
      if (Number.isNaN(pid) || (pid !== process.pid && isRunning(pid))) continue;
      await rm(join(this.#folder, ...folders, name), { force: true });
    }
    this.#swept.add(key);
  }

  /** @returns false when a folder on the way does not exist @throws {WorkspaceError} symlink, not_a_file */
  async #checkFolders(parts: readonly string[]): Promise<boolean> {
    for (let depth = 1; depth < parts.length; depth++) {
      const folder = parts.slice(0, depth);
      const status = await lstat(join(this.#folder, ...folder)).catch(nullIfMissing);
      if (status === null) return false;
      if (status.isSymbolicLink()) throw new WorkspaceError("symlink", folder.join("/"));
      if (!status.isDirectory()) throw new WorkspaceError("not_a_folder", folder.join("/"));
    }
    return true;
  }

  async #guard<T>(parts: readonly string[], work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof WorkspaceError) throw error;
      const { code } = error as NodeJS.ErrnoException;
      if (code === undefined) throw error;
      // What O_NOFOLLOW says about a link.
      throw new WorkspaceError(code === "ELOOP" ? "symlink" : code, parts.join("/"), { cause: error });
    }
  }
}

function nullIfMissing(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT") return null;
  throw error;
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== "EEXIST") throw error;
}
