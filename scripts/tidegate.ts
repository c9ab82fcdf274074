/**
 * `npm run tidegate -- …`: a tenant's sessions, people and agents from the command line. Exit codes: 0 done, 1 refused or failed,
 * 2 not understood.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline/promises";
import { rootFolder } from "./paths.ts";

const HELP = `npm run tidegate -- <command> [--json]
  sign-in <console address>        asks for a token, which the console's "New token for the command line" shows
  sign-out                         ends this token's session, and forgets it
  me                               who this is, and until when
  sessions list [--own]            everybody's sessions, or one's own
  sessions revoke <handle>         ends one: its chats are closed at once
  people list                      who has ever signed in
  people revoke <key>              ends all sessions of one person
  people forget <key or e-mail>    ends them, and takes the person out of the lists and of the workspace's files
  revoke-all                       ends everybody's sessions, this one too
  agents list                      the computers that may connect, and whether they are
  agents token                     a word that lets one computer in, once, within fifteen minutes
  agents rename <id> <name>        what the lists call it
  agents revoke <id>               its key is good for nothing any more; its connection ends at once
  audit export                     the whole audit trail, one JSON object a line, oldest first
  config show                      the tenant as the gateway has it; no secrets
  config check                     judges this checkout's configuration (npm run config:check)
The token is kept in $XDG_CONFIG_HOME/tidegate/cli.json (default ~/.config), for its owner only.
`;

interface Kept {
  url: string;
  token: string;
}

type Row = Record<string, unknown>;

/** Told to the person, without a stack. */
class CommandError extends Error {
  readonly exitCode: 1 | 2;

  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message);
    this.name = "CommandError";
    this.exitCode = exitCode;
  }
}

const keptIn = join(process.env["XDG_CONFIG_HOME"] ?? join(homedir(), ".config"), "tidegate", "cli.json");

async function main(args: string[]): Promise<void> {
  const json = args.includes("--json");
  const words = args.filter((word) => !word.startsWith("--"));
  const flags = args.filter((word) => word.startsWith("--") && word !== "--json");
  const command = words.slice(0, 2).join(" ");
  const [, second, third] = words;
  const unknown = flags.find((flag) => flag !== "--own" || command !== "sessions list");
  if (unknown !== undefined) throw new CommandError(`unknown: ${unknown}\n\n${HELP}`, 2);
  const show = (rows: Row[], columns: string[]) => print(json ? JSON.stringify(rows) : table(rows, columns));
  const done = (count: unknown) => print(json ? JSON.stringify({ sessions: count }) : `ended: ${String(count)}`);
  if (words[0] === "sign-in" && second !== undefined) return signIn(second);
  if (command === "sign-out") return signOut();
  if (command === "me") return show([await ask("GET", "/me")], ["email", "role", "kind", "expiresAt"]);
  if (command === "sessions list") {
    const rows = await all(`/sessions?scope=${flags.includes("--own") ? "own" : "all"}`);
    return show(rows, ["handle", "email", "role", "kind", "lastSeenAt", "address"]);
  }
  if (command === "people list")
    return show(await all("/people"), ["key", "email", "role", "openSockets", "signedInAt"]);
  if (command === "sessions revoke" && third !== undefined) {
    return done((await ask("DELETE", `/sessions/${encodeURIComponent(third)}`))["sessions"]);
  }
  if (command === "people revoke" && third !== undefined) {
    return done((await ask("POST", `/people/${encodeURIComponent(third)}/revoke`))["sessions"]);
  }
  if (command === "people forget" && third !== undefined) {
    const key = third.includes("@") ? await keyOf(third) : third;
    const { sessions } = await ask("DELETE", `/people/${encodeURIComponent(key)}`);
    return print(json ? JSON.stringify({ sessions }) : `forgotten; sessions ended: ${String(sessions)}`);
  }
  if (command === "revoke-all") return done((await ask("POST", "/revoke-all"))["sessions"]);
  if (command === "agents list") {
    const { items } = await ask("GET", "/agents");
    return show(items as Row[], ["agent", "name", "connected", "enrolledAt"]);
  }
  if (command === "agents token") {
    const made = await ask("POST", "/agents/tokens");
    return print(json ? JSON.stringify(made) : String(made["token"]));
  }
  if (command === "agents rename" && third !== undefined && words[3] !== undefined) {
    await ask("PATCH", `/agents/${encodeURIComponent(third)}`, { name: words.slice(3).join(" ") });
    return print(json ? "{}" : "renamed");
  }
  if (command === "agents revoke" && third !== undefined) {
    await ask("DELETE", `/agents/${encodeURIComponent(third)}`);
    return print(json ? "{}" : "revoked");
  }
  if (command === "audit export") {
    for (const entry of await all("/audit")) print(JSON.stringify(entry));
    return;
  }
  if (command === "config show") return print(JSON.stringify(await ask("GET", "/config"), null, json ? 0 : 2));
  if (command === "config check") {
    const script = join(rootFolder, "scripts/config-check.ts");
    process.exitCode = spawnSync(process.execPath, [script], { stdio: "inherit" }).status ?? 1;
    return;
  }
  if (args.length === 0 || args.includes("help") || args.includes("--help")) return print(HELP);
  throw new CommandError(`not understood: ${words.join(" ")}\n\n${HELP}`, 2);
}

async function signIn(address: string): Promise<void> {
  const url = URL.parse(address);
  const local = url?.hostname === "localhost" || url?.hostname === "127.0.0.1";
  if (url === null || (url.protocol !== "https:" && !local)) {
    throw new CommandError("the console's address begins with https:// (http:// on localhost only)", 2);
  }
  if (process.stdin.isTTY) print(`Open ${url.origin} and choose "New token for the command line".`);
  const token = await readToken();
  const kept = { url: url.origin, token };
  const { email, role } = await askAs(kept, "GET", "/me");
  mkdirSync(dirname(keptIn), { recursive: true, mode: 0o700 });
  writeFileSync(keptIn, JSON.stringify(kept), { mode: 0o600 });
  chmodSync(keptIn, 0o600);
  print(`signed in as ${String(email)} (${String(role)})`);
}

/** From a terminal or a pipe, never from the arguments: those end up in histories and process lists. */
async function readToken(): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stdin.isTTY ? process.stderr : undefined });
  const token = (await lines.question("Token: ")).trim();
  lines.close();
  if (!/^tgc_[A-Za-z0-9_-]{20,400}$/.test(token)) throw new CommandError("that is no token of the console's");
  return token;
}

async function signOut(): Promise<void> {
  const kept = readKept();
  const { handle } = await askAs(kept, "GET", "/me");
  await askAs(kept, "DELETE", `/sessions/${String(handle)}`);
  rmSync(keptIn);
  print("signed out");
}

/** @throws {CommandError} also when others can read the file */
function readKept(): Kept {
  let text: string;
  try {
    if ((statSync(keptIn).mode & 0o077) !== 0) throw new CommandError(`others can read ${keptIn}: chmod 600 it`);
    text = readFileSync(keptIn, "utf8");
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError("nobody is signed in here: npm run tidegate -- sign-in <console address>");
  }
  return JSON.parse(text) as Kept;
}

async function ask(method: string, path: string, content?: object): Promise<Row> {
  return askAs(readKept(), method, path, content);
}

async function askAs(kept: Kept, method: string, path: string, content?: object): Promise<Row> {
  const headers = { authorization: `Bearer ${kept.token}`, origin: kept.url };
  const body = content === undefined ? null : JSON.stringify(content);
  const response = await fetch(`${kept.url}/api${path}`, { method, headers, body, redirect: "error" }).catch(() => {
    throw new CommandError(`${kept.url} does not answer`);
  });
  const answer = (await response.json().catch(() => ({}))) as Row;
  if (!response.ok)
    throw new CommandError(`${String(answer["title"] ?? response.status)}. ${String(answer["detail"] ?? "")}`);
  return answer;
}

/** @returns the key of the one person who has the address, or whose it is in OpenClaw */
async function keyOf(address: string): Promise<string> {
  const wanted = address.toLowerCase();
  const found = (await all("/people")).filter(({ email, user }) => email === wanted || user === wanted);
  if (found.length === 0) throw new CommandError(`nobody here has the address ${wanted}`);
  return String(found[0]?.["key"]);
}

/** Every page of a list. */
async function all(path: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (let cursor: unknown = null; ;) {
    const separator = path.includes("?") ? "&" : "?";
    const asked = cursor === null ? path : `${path}${separator}cursor=${encodeURIComponent(String(cursor))}`;
    const page = await ask("GET", asked);
    rows.push(...(page["items"] as Row[]));
    cursor = page["next"] ?? null;
    if (cursor === null) return rows;
  }
}

function table(rows: Row[], columns: string[]): string {
  const cells = rows.map((row) => columns.map((column) => cell(column, row[column])));
  const widths = columns.map((column, at) => Math.max(column.length, ...cells.map((line) => line[at]?.length ?? 0)));
  const line = (texts: string[]) =>
    texts
      .map((text, at) => text.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd();
  return [line(columns), ...cells.map(line)].join("\n");
}

/** Others chose these words: nothing of them may move the cursor. */
function cell(column: string, value: unknown): string {
  if (column.endsWith("At") && typeof value === "number") return new Date(value).toISOString();
  return String(value ?? "").replaceAll(/\p{C}/gu, "");
}

function print(text: string): void {
  process.stdout.write(`${text.trimEnd()}\n`);
}

if (import.meta.main) {
  await main(process.argv.slice(2)).catch((error: unknown) => {
    if (!(error instanceof CommandError)) throw error;
    process.stderr.write(`tidegate: ${error.message.trimEnd()}\n`);
    process.exitCode = error.exitCode;
  });
}
