/** The assistant's computer is not connected: since when, and a page that finds out by itself when it is back. */
import { html } from "hono/html";
import { ERROR_HEADER } from "#protocol/version.ts";
import { PROBLEMS } from "../problem.ts";
import { page } from "./page.ts";
import type { ProblemPageOptions } from "./problem-page.ts";

export interface AwayPageOptions extends Omit<ProblemPageOptions, "next"> {
  /** The computer is connected, and the assistant on it does not answer. */
  connected: boolean;
  /** When it left, milliseconds since the epoch; null: it was never here. */
  since: number | null;
  now: number;
  /** The first start is the usual reason in development. */
  development: boolean;
}

const SILENT = "Its computer is connected, but the assistant on it is just starting, or has stopped.";

export async function awayPage(options: AwayPageOptions): Promise<Response> {
  const { connected, now, development, contact, tenant, requestId } = options;
  const since = connected ? now : options.since;
  const { status, title } = PROBLEMS.workspace_away;
  const starting = development && since === null;
  const awayMs = since === null ? null : Math.max(0, now - since);
  // Away since yesterday is a start of today's there.
  const refreshSeconds = development ? refreshAfter(null) : refreshAfter(awayMs);
  const body = html`<div class="waiting"></div>
    <p role="status">${starting ? "The first start takes up to a minute." : connected ? SILENT : awayFor(awayMs)}</p>
    ${development && !starting ? html`<p>If you have just run npm start: it takes up to a minute.</p>` : ""}
    <p>This page tries again by itself, and goes on as soon as it can. Your chats and drafts are kept.</p>
    <p class="actions"><a class="button" href="">Try now</a></p>
    ${contact === null ? "" : html`<p class="soft">If this lasts, ask ${contact}.</p>`}`;
  const reference = `Code workspace_away · request ${requestId}`;
  const shown = {
    title: starting ? "Starting OpenClaw…" : connected ? "The assistant does not answer" : title,
    tenant,
    reference,
    refreshSeconds,
  };
  const response = await page(status, shown, body);
  response.headers.set(ERROR_HEADER, "workspace_away");
  response.headers.set("retry-after", String(refreshSeconds));
  return response;
}

/** @returns seconds: often while it may be a restart, seldom when it was switched off yesterday */
export function refreshAfter(awayMs: number | null): number {
  if (awayMs === null || awayMs < 60_000) return 2;
  return awayMs < 600_000 ? 10 : 30;
}

function awayFor(awayMs: number | null): string {
  if (awayMs === null) return "It has not been connected yet.";
  const minutes = Math.floor(awayMs / 60_000);
  if (minutes < 1) return "It was here less than a minute ago, so it is likely to be back at once.";
  if (minutes < 120) return `It has been away for ${minutes} ${minutes === 1 ? "minute" : "minutes"}.`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `It has been away for ${hours} hours.` : `It has been away for ${Math.floor(hours / 24)} days.`;
}
