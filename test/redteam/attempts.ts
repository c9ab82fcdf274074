/** The red team's whole list, in the order in which it is tried. */
import { AGENTS } from "./agents.ts";
import type { Attempt } from "./attempt.ts";
import { BROKEN_RESPONSES } from "./broken-responses.ts";
import { COMMAND_ATTEMPTS } from "./commands.ts";
import { CONNECTS } from "./connects.ts";
import { CONSOLE_TEXT } from "./console-text.ts";
import { CREDENTIALS } from "./credentials.ts";
import { HEADERS } from "./headers.ts";
import { LOCAL } from "./local-processes.ts";
import { METHODS } from "./methods.ts";
import { ORIGIN_ATTEMPTS } from "./origins.ts";
import { OTHER_SITES } from "./other-sites.ts";
import { OWN_HOST } from "./own-host.ts";
import { QUERY_ATTEMPTS } from "./queries.ts";
import { REBINDING } from "./rebinding.ts";
import { RESPONSE_HEADERS } from "./response-headers.ts";
import { STREAMS } from "./streams.ts";
import { TARGETS } from "./targets.ts";

export const ATTEMPTS: readonly Attempt[] = [
  ...TARGETS,
  ...HEADERS,
  ...METHODS,
  ...COMMAND_ATTEMPTS,
  ...CONNECTS,
  ...LOCAL,
  ...REBINDING,
  ...QUERY_ATTEMPTS,
  ...RESPONSE_HEADERS,
  ...BROKEN_RESPONSES,
  ...STREAMS,
  ...AGENTS,
  ...CREDENTIALS,
  ...ORIGIN_ATTEMPTS,
  ...OTHER_SITES,
  ...CONSOLE_TEXT,
  // These end alice's sessions: last.
  ...OWN_HOST,
];
