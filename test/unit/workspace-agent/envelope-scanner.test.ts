import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EnvelopeScanner, readEnvelope } from "../../../workspace-agent/method-gate/envelope-scanner.ts";
import { anyMessage, anyRequest, codeOf, readsAlike } from "../../support/any-message.ts";

function read(text: string): { id: string; method: string; params: string[] } {
  const { id, method, params } = readEnvelope(Buffer.from(text));
  return { id, method, params: [...params] };
}

const nested = (depth: number) =>
  `{"type":"req","id":"1","method":"health","params":${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}}`;

const good: [name: string, text: string, method: string, params: string[]][] = [
  [
    "as the Control UI writes it",
    '{"type":"req","id":"1","method":"chat.send","params":{"sessionKey":"main","message":"hi"}}',
    "chat.send",
    ["sessionKey", "message"],
  ],
  ["no parameters", '{"type":"req","id":"1","method":"health"}', "health", []],
  ["parameters that are no object", '{"type":"req","id":"1","method":"health","params":["agent"]}', "health", []],
  [
    "parameters that are a long text",
    `{"type":"req","id":"1","method":"health","params":"${"x".repeat(2_000)}"}`,
    "health",
    [],
  ],
  [
    "blanks wherever they may be",
    ' {\t"type" :\r\n"req" , "id":"1","method":"health" , "params" : { } } ',
    "health",
    [],
  ],
  [
    "method behind the parameters",
    '{"params":{"a":1,"b":[{"method":"x"}]},"method":"health","id":"1","type":"req"}',
    "health",
    ["a", "b"],
  ],
  [
    "names spelled with escapes",
    String.raw`{"\u0074ype":"\u0072eq","id":"1","\u006dethod":"w\u0061ke","params":{"\u0074ext":1}}`,
    "wake",
    ["text"],
  ],
  [
    "names that objects have by themselves",
    '{"type":"req","id":"1","method":"constructor","params":{"__proto__":{},"constructor":1}}',
    "constructor",
    ["__proto__", "constructor"],
  ],
  [
    "keys inside a prompt's own JSON",
    '{"type":"req","id":"1","method":"chat.send","params":{"message":"{\\"method\\":\\"wake\\"}","message2":{"message":1,"message":2}}}',
    "chat.send",
    ["message", "message2"],
  ],
  [
    "the same name at two levels",
    '{"type":"req","id":"1","method":"chat.send","params":{"method":"wake","id":1}}',
    "chat.send",
    ["method", "id"],
  ],
  [
    "numbers of every shape",
    '{"type":"req","id":"1","method":"health","params":{"a":[0,-0,1.5,-10e+2,1E-2,0.0,1e9]}}',
    "health",
    ["a"],
  ],
  [
    "lone surrogates in a value",
    String.raw`{"type":"req","id":"1","method":"health","params":{"a":"\ud800"}}`,
    "health",
    ["a"],
  ],
  ["the deepest", nested(64), "health", []],
];

test.each(good)("a request with %s is read", (_name, text, method, params) => {
  expect(read(text)).toEqual({ id: "1", method, params });
  const { method: theirs, params: named } = JSON.parse(text) as { method: string; params?: object };
  expect(theirs).toBe(method);
  if (params.length > 0) expect(Object.keys(named ?? {})).toEqual(params);
});

const request = (rest: string) => `{"type":"req","id":"1","method":"health"${rest}}`;

const hostile: [name: string, text: string, code: string][] = [
  ["two methods", request(',"method":"wake"'), "duplicate_key"],
  ["two methods, one escaped", request(String.raw`,"\u006dethod":"wake"`), "duplicate_key"],
  [
    "two methods, around parameters",
    '{"method":"wake","params":{},"type":"req","id":"1","method":"health"}',
    "duplicate_key",
  ],
  ["two parameters of a name", request(',"params":{"a":1,"a":2}'), "duplicate_key"],
  ["two parameters, one escaped", request(String.raw`,"params":{"a":1,"\u0061":2}`), "duplicate_key"],
  ["two lots of parameters", request(',"params":{},"params":{"inputProvenance":1}'), "duplicate_key"],
  ["a field OpenClaw does not know", request(',"role":"admin"'), "not_a_request"],
  ["a field in another case", '{"type":"req","id":"1","Method":"health"}', "not_a_request"],
  ["no method", '{"type":"req","id":"1"}', "not_a_request"],
  ["an empty method", '{"type":"req","id":"1","method":""}', "not_a_request"],
  ["a method that is a list", '{"type":"req","id":"1","method":["health"]}', "not_a_request"],
  ["a number for an id", '{"type":"req","id":1,"method":"health"}', "not_a_request"],
  ["an empty id", '{"type":"req","id":"","method":"health"}', "not_a_request"],
  ["another type", '{"type":"event","id":"1","method":"health"}', "not_a_request"],
  ["no type", '{"id":"1","method":"health"}', "not_a_request"],
  ["a list", `[${request("")}]`, "not_a_request"],
  ["a text", '"req"', "not_a_request"],
  ["null", "null", "not_a_request"],
  ["a byte order mark", `\ufeff${request("")}`, "not_a_request"],
  ["NUL before it", `\0${request("")}`, "not_a_request"],
  ["nothing", "", "bad_json"],
  ["blanks", " \n", "bad_json"],
  ["a NUL behind it", `${request("")}\0`, "bad_json"],
  ["another request behind it", request("") + request(""), "bad_json"],
  ["no end", request("").slice(0, -1), "bad_json"],
  ["one comma too many", request(","), "bad_json"],
  ["a comma too many in a list", request(',"params":[1,]'), "bad_json"],
  ["single quotes", "{'type':'req'}", "bad_json"],
  ["a comment", `{/**/${request("").slice(1)}`, "bad_json"],
  ["a key without quotes", '{type:"req"}', "bad_json"],
  ["a raw line end in a text", request(',"params":"\n"'), "bad_json"],
  ["an escape there is none of", request(String.raw`,"params":"\x41"`), "bad_json"],
  ["an escape cut short", request(String.raw`,"params":"\u00"`), "bad_json"],
  ["a number with a leading zero", request(',"params":01'), "bad_json"],
  ["a number with a plus", request(',"params":+1'), "bad_json"],
  ["a number without digits", request(',"params":-'), "bad_json"],
  ["half a fraction", request(',"params":1.'), "bad_json"],
  ["half an exponent", request(',"params":1e+'), "bad_json"],
  ["NaN", request(',"params":NaN'), "bad_json"],
  ["half a word", request(',"params":tru'), "bad_json"],
  ["a bracket for a brace", request(',"params":{]'), "bad_json"],
  ["a no-break space", request("\u00a0"), "bad_json"],
  ["too deep a nest", nested(65), "too_deep"],
  ["a nest that would overflow a stack", nested(200_000), "too_deep"],
  ["too long an id", `{"type":"req","id":"${"1".repeat(600)}","method":"health"}`, "too_long"],
  ["too long a parameter's name", request(`,"params":{"${"a".repeat(600)}":1}`), "too_long"],
  [
    "too many parameters",
    request(`,"params":{${Array.from({ length: 300 }, (_, at) => `"p${at}":1`).join()}}`),
    "too_many_parameters",
  ],
];

test.each(hostile)("a message with %s is refused", (_name, text, code) => {
  expect(codeOf(() => readEnvelope(Buffer.from(text)))).toBe(code);
});

describe("beside JSON.parse", () => {
  const seed = Date.now() % 2 ** 31;

  test(`requests and mutations of them are read alike, or refused (seed ${seed})`, () => {
    fc.assert(fc.property(anyMessage, readsAlike), { numRuns: 2_000, seed });
  });

  test(`where a message is cut makes no difference (seed ${seed})`, () => {
    fc.assert(
      fc.property(anyRequest, fc.array(fc.nat(200), { maxLength: 8 }), (text, cuts) => {
        const message = Buffer.from(text);
        const inside = cuts.filter((cut) => cut < message.length).toSorted((one, other) => one - other);
        const scanner = new EnvelopeScanner();
        const inParts = codeOf(() => {
          for (const [at, from] of [0, ...inside].entries()) scanner.push(message.subarray(from, inside[at]));
          scanner.end();
        });
        expect(inParts).toBe(codeOf(() => readEnvelope(message)));
      }),
      { numRuns: 500, seed },
    );
  });
});
