/** The end of a silent renewal, in a frame that nobody sees. */
import { html } from "hono/html";
import { ERROR_HEADER } from "#protocol/version.ts";
import { PROBLEMS, type ProblemCode } from "../problem.ts";
import { page } from "./page.ts";

/** @param code why there is no new session; null: there is one */
export async function renewalPage(code: ProblemCode | null): Promise<Response> {
  const { status, title, detail } = code === null ? RENEWED : PROBLEMS[code];
  const response = await page(status, { title, tenant: "", framed: true }, html`<p>${detail}</p>`);
  if (code !== null) response.headers.set(ERROR_HEADER, code);
  return response;
}

const RENEWED = { status: 200, title: "Signed in again", detail: "The session was renewed." };
