/** Requests as a client may send them, whole and damaged, and what must hold of each: two parsers read it alike. */
import fc from "fast-check";
import { expect } from "vitest";
import { EnvelopeFault, type EnvelopeFaultCode } from "../../workspace-agent/method-gate/envelope.ts";
import { readEnvelope } from "../../workspace-agent/method-gate/envelope-scanner.ts";

export const anyRequest = fc
  .record({ type: fc.constant("req"), id: fc.string(), method: fc.string(), params: fc.jsonValue({ maxDepth: 4 }) })
  .chain((value) => fc.constantFrom(JSON.stringify(value), JSON.stringify(value, null, 1)));

/** Bytes that JSON's grammar turns on, and such as have no place in it. */
const byte = fc.constantFrom(...Buffer.from('{}[]",:\\u00e1-+.0eE tfn\0\x01\ufeff'));
const edit = fc.record({ at: fc.nat(), byte, kind: fc.constantFrom("replace", "insert", "remove") });

/** A request with up to three bytes changed, in UTF-8. */
export const anyMessage = fc.tuple(anyRequest, fc.array(edit, { maxLength: 3 })).map(([text, edits]) => {
  const bytes = [...Buffer.from(text)];
  for (const { at, byte: written, kind } of edits) {
    bytes.splice(at % (bytes.length + 1), kind === "insert" ? 0 : 1, ...(kind === "remove" ? [] : [written]));
  }
  // Other bytes are refused before anything is read.
  return Buffer.from(Buffer.from(bytes).toString());
});

/** @returns the code of the fault that `read` throws, or null */
export function codeOf(read: () => unknown): EnvelopeFaultCode | null {
  try {
    read();
    return null;
  } catch (error) {
    if (error instanceof EnvelopeFault) return error.code;
    throw error;
  }
}

/** What passes is what JSON.parse reads, and only what it cannot read is called broken. */
export function readsAlike(message: Buffer): void {
  const text = message.toString();
  const code = codeOf(() => readEnvelope(message));
  let theirs: { type: unknown; id: unknown; method: unknown; params: unknown };
  try {
    theirs = JSON.parse(text) as typeof theirs;
  } catch {
    expect(code, text).not.toBeNull();
    return;
  }
  expect(code, text).not.toBe("bad_json");
  if (code !== null) return;
  const { id, method, params } = readEnvelope(message);
  const named = typeof theirs.params === "object" && theirs.params !== null && !Array.isArray(theirs.params);
  const names = named ? Object.keys(theirs.params as object) : [];
  expect([theirs.type, theirs.id, theirs.method, new Set(names)]).toEqual(["req", id, method, params]);
}
