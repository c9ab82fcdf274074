import { spawnSync } from "node:child_process";
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { delimiter, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { brotliDecompressSync, createBrotliDecompress } from "node:zlib";
import { rootFolder } from "./paths.ts";
import { installPinned, readPinnedVersion } from "./pinned-install.ts";
import { ScriptError } from "./script-error.ts";

const START_TIMEOUT_MS = 10_000;
const PACKAGE = "@sparticuz/chromium";
const SYSTEM_NAMES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
const pinFolder = join(rootFolder, "scripts", "chromium");

export interface Chromium {
  executablePath: string;
  /** Needed by the browser process only: its own libraries and fonts. */
  env: Record<string, string>;
  source: string;
}

/**
 * Finds a Chromium that starts here, with neither root nor a package manager of the system: CHROMIUM_PATH, an
 * installed one, else the npm package, unpacked once into `cacheFolder`.
 * @throws {ScriptError} browser_not_usable
 */
export async function findChromium(cacheFolder: string): Promise<Chromium> {
  const named = process.env.CHROMIUM_PATH;
  if (named !== undefined && named !== "") {
    if (!startsHere(named)) throw new ScriptError("browser_not_usable", `CHROMIUM_PATH=${named} does not start`);
    return { executablePath: named, env: {}, source: "CHROMIUM_PATH" };
  }
  const installed = findInSystem();
  if (installed) return { executablePath: installed, env: {}, source: "system" };
  return unpackFromNpm(cacheFolder);
}

function findInSystem(): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const candidates = SYSTEM_NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  // Debian's and Ubuntu's stubs exist and do not run: only one that answers counts.
  return candidates.find((path) => existsSync(path) && startsHere(path));
}

async function unpackFromNpm(cacheFolder: string): Promise<Chromium> {
  if (process.platform !== "linux" || process.arch !== "x64") throw notUsable("no bundled Chromium for this system");
  const version = readPinnedVersion(pinFolder, PACKAGE);
  const folder = join(cacheFolder, `chromium-${version}`);
  if (!existsSync(folder)) {
    const packed = join(cacheFolder, `chromium-package-${version}`);
    const explain = (reason: string): ScriptError => notUsable(`Could not fetch ${PACKAGE}: ${reason}`);
    await installPinned({ title: `Chromium ${version}`, pinFolder, targetFolder: packed, explain });
    await unpack(join(packed, "node_modules", PACKAGE, "bin"), folder);
  }
  const executablePath = join(folder, "chromium");
  const env = { LD_LIBRARY_PATH: join(folder, "lib"), FONTCONFIG_FILE: join(folder, "fonts.conf") };
  if (!startsHere(executablePath, env)) throw notUsable("the bundled Chromium does not start here");
  return { executablePath, env, source: `npm ${PACKAGE} ${version}` };
}

/** The package unpacks its libraries on AWS only, and always under the system's temporary folder: do it ourselves. */
async function unpack(packed: string, folder: string): Promise<void> {
  const temporary = `${folder}.${process.pid}.tmp`;
  mkdirSync(temporary, { recursive: true });
  const executable = createWriteStream(join(temporary, "chromium"), { mode: 0o755 });
  await pipeline(createReadStream(join(packed, "chromium.br")), createBrotliDecompress(), executable);
  for (const archive of ["al2023", "fonts", "swiftshader"]) {
    const input = brotliDecompressSync(readFileSync(join(packed, `${archive}.tar.br`)));
    const { status, stderr } = spawnSync("tar", ["xf", "-", "-C", temporary], { input, encoding: "utf8" });
    if (status !== 0) throw notUsable(`could not unpack ${archive}: ${stderr}`);
  }
  writeFileSync(join(temporary, "fonts.conf"), fontsConfiguration(folder));
  try {
    renameSync(temporary, folder);
  } catch (error) {
    rmSync(temporary, { recursive: true });
    // Another process was faster; its copy is as good.
    if (!existsSync(folder)) throw error;
  }
}

/** The archive's own file points at fixed folders, and with none of them every page renders without glyphs. */
function fontsConfiguration(folder: string): string {
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${join(folder, "fonts")}</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>${join(folder, "cache")}</cachedir>
</fontconfig>
`;
}

function startsHere(path: string, env: Record<string, string> = {}): boolean {
  const { status } = spawnSync(path, ["--version"], {
    env: { ...process.env, ...env },
    timeout: START_TIMEOUT_MS,
    stdio: "ignore",
  });
  return status === 0;
}

function notUsable(reason: string): ScriptError {
  const advice = "Install a browser (Debian, Ubuntu: apt-get install chromium) or set CHROMIUM_PATH";
  return new ScriptError("browser_not_usable", `${reason}. ${advice}`);
}
