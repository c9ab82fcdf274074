/** The red team's whole list, in the order in which it is tried. */
import type { Attempt } from "./attempt.ts";
import { AGENTS } from "./agents.ts";
import { CREDENTIALS } from "./credentials.ts";
import { HEADERS } from "./headers.ts";
import { LOCAL } from "./local-processes.ts";
import { METHODS } from "./methods.ts";
import { PAGES } from "./pages.ts";
import { RESPONSES } from "./responses.ts";
import { STREAMS } from "./streams.ts";
import { TARGETS } from "./targets.ts";

export const ATTEMPTS: readonly Attempt[] = [
  ...TARGETS,
  ...HEADERS,
  ...METHODS,
  ...RESPONSES,
  ...CREDENTIALS,
  ...AGENTS,
  ...STREAMS,
  ...LOCAL,
  ...PAGES,
];
