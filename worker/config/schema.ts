/**
 * A thin layer over valibot: every leaf's message says what is expected, every entry says what it means, and both are
 * read by errors and by docs/configuration.md alike. Valibot's own messages quote what was received; none is shown.
 */
import * as v from "valibot";
import { showName, unknownName } from "./nearest-name.ts";

export type Entries = v.ObjectEntries;

export interface Notes {
  means: string;
  /** Read and checked, but nothing acts on it yet. */
  unenforced?: true;
  /** The value is a secret: a Cloudflare secret, never a variable in a file. */
  secret?: true;
  example?: string;
}

/** A text that `isGood`, or else the sentence. */
export function text(expected: string, isGood: RegExp | ((text: string) => boolean)) {
  const good = isGood instanceof RegExp ? (value: string) => isGood.test(value) : isGood;
  return v.pipe(v.string(expected), v.check(good, expected));
}

export function wholeNumber(least: number, most: number, unit: string) {
  const expected = `a whole number of ${unit}, ${least} to ${most}`;
  return v.pipe(v.number(expected), v.integer(expected), v.minValue(least, expected), v.maxValue(most, expected));
}

/** At most `most` of them: the document is read at every start. */
export function listOf<S extends v.GenericSchema>(item: S, most = 200) {
  const expected = `a list of at most ${most}`;
  return v.pipe(v.array(item, expected), v.maxLength(most, expected));
}

/** Says what an entry means. */
export function noted<S extends v.GenericSchema>(schema: S, means: string, more: Omit<Notes, "means"> = {}): S {
  return v.pipe(schema, v.metadata({ means, ...more })) as unknown as S;
}

export function notesOf(schema: v.GenericSchema): Notes | undefined {
  const notes = v.getMetadata(schema as never) as unknown as Partial<Notes>;
  return notes.means === undefined ? undefined : { ...notes, means: notes.means };
}

interface Shape {
  type: string;
  wrapped?: v.GenericSchema;
  entries?: Entries;
  item?: v.GenericSchema;
  message?: unknown;
  default?: unknown;
}

/** @returns the schema without `optional` and `nullable` around it */
export function unwrap(schema: v.GenericSchema): Shape {
  let shape = schema as unknown as Shape;
  while (shape.wrapped !== undefined) shape = shape.wrapped as unknown as Shape;
  return shape;
}

/** @returns the sentence that says what is expected, without any value */
export function expectation(schema: v.GenericSchema): string {
  const shape = unwrap(schema);
  if (typeof shape.message === "string") return shape.message;
  return shape.entries === undefined ? "another value" : "an object";
}

type Output<E extends Entries> = { [K in keyof E]?: v.InferOutput<E[K]> };
type Path = readonly (string | number)[];

/**
 * Reads every entry by itself, so that one bad entry hides no other problem.
 * @returns the entries that are good
 */
export function readEntries<E extends Entries>(
  entries: E,
  raw: unknown,
  report: (path: Path, expected: string) => void,
): Output<E> {
  if (!isRecord(raw)) {
    report([], "an object");
    return {};
  }
  reportUnknown(entries, raw, [], report);
  const good: Record<string, unknown> = {};
  for (const [key, schema] of Object.entries(entries) as [string, v.GenericSchema][]) {
    const value = Object.hasOwn(raw, key) ? raw[key] : undefined;
    const parsed = v.safeParse(schema, value);
    if (parsed.success) good[key] = parsed.output;
    for (const issue of parsed.issues ?? []) {
      if (issue.type === "strict_object" && issue.expected === "never") continue;
      const path = [key, ...(issue.path ?? []).map((step) => step.key as string | number)];
      report(path, expectation(schemaAt(schema, path.slice(1))));
    }
  }
  return good as Output<E>;
}

/** All of them: `strictObject` stops at the first. */
function reportUnknown(
  entries: Entries,
  raw: Record<string, unknown>,
  at: Path,
  report: (path: Path, expected: string) => void,
): void {
  const known = Object.keys(entries);
  for (const [key, value] of Object.entries(raw)) {
    const schema = Object.hasOwn(entries, key) ? entries[key] : undefined;
    if (schema === undefined) report([...at, showName(key)], unknownName(key, known));
    else visitUnknown(schema as v.GenericSchema, value, [...at, key], report);
  }
}

function visitUnknown(
  schema: v.GenericSchema,
  value: unknown,
  at: Path,
  report: (path: Path, expected: string) => void,
): void {
  const { entries, item } = unwrap(schema);
  if (entries !== undefined && isRecord(value)) reportUnknown(entries, value, at, report);
  // The schema takes a list for an object without the right keys.
  if (entries !== undefined && Array.isArray(value)) report(at, "an object");
  if (item !== undefined && Array.isArray(value)) {
    for (const [index, element] of value.entries()) visitUnknown(item, element, [...at, index], report);
  }
}

function schemaAt(schema: v.GenericSchema, path: Path): v.GenericSchema {
  const [step, ...rest] = path;
  const { entries, item } = unwrap(schema);
  const next = typeof step === "number" ? item : step === undefined ? undefined : entries?.[step];
  return next === undefined ? schema : schemaAt(next as v.GenericSchema, rest);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** List positions in brackets: `tenants[0].hosts[1]`. */
export function dotPath(path: Path): string {
  return path.map((step, index) => (typeof step === "number" ? `[${step}]` : index === 0 ? step : `.${step}`)).join("");
}
