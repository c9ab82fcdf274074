/** What the gateway says to a key that it lets in; judged before anything of it is stored. */
import * as v from "valibot";
import { CommandError } from "../commands/command.ts";
import type { Enrolment } from "../state/agent-file.ts";

const Answer = v.object({
  agentId: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{8,64}$/)),
  tenant: v.pipe(v.string(), v.regex(/^[a-z0-9-]{1,63}$/)),
  gatewayKey: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/)),
  publicHost: v.pipe(v.string(), v.regex(/^[a-z0-9.:[\]-]{1,255}$/)),
  pass: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,256}$/)),
});

const Wish = v.object({
  request: v.pipe(v.string(), v.maxLength(2_048)),
  link: v.pipe(v.string(), v.url(), v.maxLength(4_096)),
  intervalSeconds: v.pipe(v.number(), v.minValue(1), v.maxValue(60)),
  expiresAt: v.pipe(v.number(), v.integer()),
});

export type EnrolmentWish = v.InferOutput<typeof Wish>;

/** @throws {CommandError} bad_answer */
export function readWish(answer: unknown): EnrolmentWish {
  return read(Wish, answer);
}

/** @throws {CommandError} bad_answer */
export function readEnrolment(url: URL, answer: unknown): Enrolment {
  return { url: url.origin, ...read(Answer, answer) };
}

function read<S extends v.GenericSchema>(schema: S, answer: unknown): v.InferOutput<S> {
  const parsed = v.safeParse(schema, answer);
  if (parsed.success) return parsed.output;
  throw new CommandError(
    "bad_answer",
    "The gateway's answer is not as this version of the agent knows it. Is it newer?",
  );
}
