import * as v from "valibot";
import { GatewayError } from "../problem.ts";

/** A hash of SHA-256, or a person's key. */
export const Name = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{16,64}$/));

/** @throws {GatewayError} bad_input */
export function parse<S extends v.GenericSchema>(schema: S, value: unknown): v.InferOutput<S> {
  const parsed = v.safeParse(schema, value);
  if (!parsed.success) throw new GatewayError("bad_input");
  return parsed.output;
}
