import { setTimeout as sleep } from "node:timers/promises";
import { ScriptError } from "../script-error.ts";
import { runWrangler } from "./wrangler.ts";

const API = "https://api.cloudflare.com/client/v4";
const TIMEOUT_MS = 30_000;
/** A busy or restarting API is asked again, reads only. */
const RETRY_AFTER_MS = [500, 2_000];

const SIGN_IN = '`npx wrangler login`, or CLOUDFLARE_API_TOKEN with a token of the template "Edit Cloudflare Workers"';

/** Cloudflare's own refusal. */
export class ApiError extends ScriptError {
  readonly status: number;
  readonly codes: readonly number[];

  constructor(status: number, codes: readonly number[], path: string, words: string) {
    const hint = status === 403 ? ` (does the sign-in have the right? ${SIGN_IN})` : "";
    super("cloudflare_refused", `Cloudflare refuses ${path}: ${words}${hint}`);
    this.name = "ApiError";
    this.status = status;
    this.codes = codes;
  }
}

interface Envelope {
  success?: boolean;
  errors?: { code: number; message: string }[];
  result?: unknown;
}

/**
 * Asks Cloudflare's API what is there, with wrangler's own sign-in. What changes something goes through wrangler, but for
 * custom domains (custom-domains.ts says why).
 */
export class CloudflareApi {
  readonly accountId: string;
  readonly #base: string;
  readonly #headers: Record<string, string>;

  constructor(base: string, headers: Record<string, string>, accountId: string) {
    this.#base = base;
    this.#headers = headers;
    this.accountId = accountId;
  }

  /** @param path below the account. @throws {ApiError} @throws {ScriptError} not_signed_in | cloudflare_refused */
  inAccount<T>(path: string, init?: { method: string; body: unknown }): Promise<T> {
    return this.ask(`/accounts/${this.accountId}${path}`, init);
  }

  async ask<T>(path: string, init?: { method: string; body: unknown }): Promise<T> {
    const response = await this.#send(path, init);
    const body = (await response.json().catch(() => ({}))) as Envelope;
    if (response.ok && body.success !== false) return body.result as T;
    const codes = (body.errors ?? []).map(({ code }) => code);
    const words = (body.errors ?? []).map(({ code, message }) => `${printable(message)} [${code}]`).join("; ");
    if (response.status === 401 || codes.some((code) => [6003, 6111, 9106, 9109, 10000].includes(code))) {
      const text = `Cloudflare refuses this sign-in (${words || response.status}). Sign in with ${SIGN_IN}`;
      throw new ScriptError("not_signed_in", text);
    }
    throw new ApiError(response.status, codes, path, words || `status ${response.status}`);
  }

  async #send(path: string, init?: { method: string; body: unknown }): Promise<Response> {
    const pauses = init === undefined ? [...RETRY_AFTER_MS] : [];
    for (;;) {
      try {
        const response = await fetch(`${this.#base}${path}`, {
          method: init?.method ?? "GET",
          headers: { ...this.#headers, ...(init === undefined ? {} : { "content-type": "application/json" }) },
          body: init === undefined ? null : JSON.stringify(init.body),
          signal: AbortSignal.timeout(TIMEOUT_MS),
        });
        if (response.status < 500 || pauses.length === 0) return response;
      } catch (cause) {
        if (pauses.length === 0) {
          throw new ScriptError("cloudflare_refused", "Cloudflare's API does not answer; try again later", { cause });
        }
      }
      await sleep(pauses.shift());
    }
  }
}

/**
 * Opens the API with the sign-in that wrangler has.
 * @throws {ScriptError} not_signed_in | cloudflare_refused, also when it is not clear which account is meant
 */
export async function openCloudflare(env: NodeJS.ProcessEnv, accountInFile?: string): Promise<CloudflareApi> {
  const headers = env.CLOUDFLARE_API_TOKEN
    ? { authorization: `Bearer ${env.CLOUDFLARE_API_TOKEN}` }
    : await headersOfWrangler();
  if (headers === undefined)
    throw new ScriptError("not_signed_in", `Not signed in to Cloudflare. Sign in with ${SIGN_IN}`);
  const base = env.CLOUDFLARE_API_BASE_URL || API;
  const named = accountInFile ?? env.CLOUDFLARE_ACCOUNT_ID;
  if (named) return new CloudflareApi(base, headers, named);
  const accounts = await new CloudflareApi(base, headers, "").ask<{ id: string; name: string }[]>(
    "/accounts?per_page=50",
  );
  const [account] = accounts;
  if (account !== undefined && accounts.length === 1) return new CloudflareApi(base, headers, account.id);
  const list = accounts.map(({ id, name }) => `\n  CLOUDFLARE_ACCOUNT_ID=${id}  ${printable(name)}`).join("");
  const reason = accounts.length === 0 ? "This sign-in reaches no account" : "This sign-in reaches several accounts";
  throw new ScriptError("not_signed_in", `${reason}: say which with CLOUDFLARE_ACCOUNT_ID${list}`);
}

/** Wrangler renews a sign-in that expired, and knows where it keeps it. */
async function headersOfWrangler(): Promise<Record<string, string> | undefined> {
  const { exitCode, stdout } = await runWrangler({ args: ["auth", "token", "--json"] });
  if (exitCode !== 0) return undefined;
  const token = JSON.parse(stdout) as { token?: string; key?: string; email?: string };
  if (token.token !== undefined) return { authorization: `Bearer ${token.token}` };
  if (token.key === undefined || token.email === undefined) return undefined;
  return { "x-auth-key": token.key, "x-auth-email": token.email };
}

/** Others chose these words: nothing of them may move the cursor. */
export function printable(text: string): string {
  return text.replaceAll(/\p{C}/gu, "").slice(0, 300);
}
