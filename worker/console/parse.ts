import * as v from "valibot";
import { GatewayError } from "../problem.ts";

/** @throws {GatewayError} bad_input */
export function parse<S extends v.GenericSchema>(schema: S, value: unknown): v.InferOutput<S> {
  const parsed = v.safeParse(schema, value);
  if (!parsed.success) throw new GatewayError("bad_input");
  return parsed.output;
}
