/** What the installed OpenClaw says of its own methods, and which of them its pages call. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openClawRelease, releaseFolder } from "../../scripts/openclaw-install.ts";

/** Where OpenClaw's build begins its own table. */
const TABLE = "const CORE_GATEWAY_METHOD_SPEC";

const distFolder = () => join(releaseFolder(openClawRelease()), "node_modules/openclaw/dist");

/** @returns scope by method, of those that it does not advertise too */
export function methodScopes(): Map<string, string> {
  const tables = readdirSync(distFolder()).filter((file) => /^method-scopes-.*\.m?js$/.test(file));
  const sources = tables.map((file) => readFileSync(join(distFolder(), file), "utf8"));
  const source = sources.find((text) => text.includes(TABLE)) ?? "";
  const table = source.slice(source.indexOf(TABLE), source.indexOf("//#endregion", source.indexOf(TABLE)));
  const found = table.matchAll(/\[\s*"([A-Za-z0-9._-]+)",\s*(?:null|"[a-z-]+"),\s*"([a-z.]+)"/g);
  return new Map([...found].map(([, method = "", scope = ""]) => [method, scope]));
}

export interface Calls {
  /** Of OpenClaw's own methods: every one that the pages name anywhere, a few more than they call. */
  own: ReadonlySet<string>;
  /** Other names that stand in a request: methods of plugins. */
  plugins: ReadonlySet<string>;
  /** All scripts, one after the other. */
  text: string;
}

/** Reads the scripts of the Control UI. They are minified: a method is found by its name, whole or put together. */
export function calledByPages(methods: Iterable<string>): Calls {
  const known = new Set(methods);
  const [own, plugins] = [new Set<string>(), new Set<string>()];
  const assets = join(distFolder(), "control-ui/assets");
  const files = readdirSync(assets).filter((name) => name.endsWith(".js"));
  const scripts = files.map((file) => readFileSync(join(assets, file), "utf8"));
  for (const script of scripts) {
    for (const [, name = ""] of script.matchAll(/["'`]([A-Za-z-]+(?:\.[A-Za-z-]+)+)["'`]/g)) {
      if (known.has(name)) own.add(name);
    }
    // A method without a dot is any word: only where it is asked for.
    for (const [, name = ""] of script.matchAll(/\brequest\(["'`]([A-Za-z.-]+)["'`]/g)) {
      if (known.has(name)) own.add(name);
      else if (name.includes(".")) plugins.add(name);
    }
    // `users.authConnect.${step}`, and `${whose}.github.authorize.${step}`: all that it may become.
    for (const [, edge, part = ""] of script.matchAll(/([`}])(\.?[A-Za-z]+(?:\.[A-Za-z]+)*\.)\$\{/g)) {
      if (edge === "}" && !/^(\.[A-Za-z]+){2}/.test(part)) continue;
      for (const name of known) if (edge === "}" ? name.includes(part) : name.startsWith(part)) own.add(name);
    }
  }
  return { own, plugins, text: scripts.join("\n") };
}
