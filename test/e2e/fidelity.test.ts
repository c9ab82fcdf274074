import { Agent } from "node:http";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  ADDED_RESPONSE_HEADERS,
  DROPPED_COOKIES,
  DROPPED_RESPONSE_HEADERS,
  FRAMING_HEADERS,
  RELAYED_REQUEST_HEADERS,
  valueAtClient,
} from "../support/fidelity-rules.ts";
import { type Body, type Exchange, exchanges, piecesOf } from "../support/generated-exchanges.ts";
import { type Answered, exchange, type Header, pairs, valuesOf } from "../support/http-exchange.ts";
import { USER_HEADER } from "../support/local-gateway.ts";
import { type Answer, type Recorded, type RecordingOrigin, startRecordingOrigin } from "../support/recording-origin.ts";
import { AGENT_ADDRESS, PERSON, type RunningTunnel, startTunnel } from "../support/running-tunnel.ts";

/** The same in every run; another by FIDELITY_SEED. */
const SEED = Number(process.env["FIDELITY_SEED"] ?? 20_261_123);
const RUNS = 75;
const AT_ONCE = 40;
/** Rate limits count per session. */
const SESSIONS = 12;

let origin: RecordingOrigin;
let tunnel: RunningTunnel;
const sessions: string[] = [];
const direct = new Agent({ keepAlive: true });
/** Gone before the platform, which closes idle connections after 5 s, can close one that is being used. */
const through = new Agent({ keepAlive: true, timeout: 2_000 });

beforeAll(async () => {
  origin = await startRecordingOrigin();
  tunnel = await startTunnel(origin.port);
  for (let count = 0; count < SESSIONS; count++) sessions.push(await tunnel.signIn());
});

afterAll(async () => {
  direct.destroy();
  through.destroy();
  await tunnel?.stop();
  origin?.stop();
});

/** Answers by plan, each piece after the one before it left. */
function answerBy({ answer }: Exchange): Answer {
  return (request, response) => {
    response.sendDate = false;
    const hasBody = request.method !== "HEAD" && ![204, 205, 304].includes(answer.status);
    const pieces = hasBody ? piecesOf(answer.body) : [];
    const headers: Header[] = [...answer.headers];
    if (answer.body.framing === "length" && ![204, 205, 304].includes(answer.status)) {
      headers.push(["Content-Length", String(answer.body.size)]);
    }
    const next = () => {
      const piece = pieces.shift();
      if (piece === undefined) response.end();
      else response.write(piece, () => setImmediate(next));
    };
    const start = () => {
      response.writeHead(answer.status, headers.flat());
      next();
    };
    // The body goes on being read either way: a server that stops reading is another test's.
    if (answer.early) start();
    else request.on("end", start);
  };
}

let serial = 0;

async function check(generated: Exchange): Promise<void> {
  const key = `key-${(++serial).toString(36)}-`;
  const target = `${generated.path}?${key}&${generated.query}`;
  const session = sessions[serial % SESSIONS] ?? "";
  const recorded = origin.script(key, answerBy(generated));
  const sent = {
    method: generated.method,
    target,
    headers: [
      ["Host", tunnel.host],
      ["Origin", tunnel.origin],
      ["Cookie", [...generated.cookies, session].join("; ")],
      ...generated.headers,
      ...framing(generated.body),
    ] as Header[],
    body: generated.body === null ? [] : piecesOf(generated.body),
  };
  const expected = await exchange(origin.port, sent, direct);
  const actual = await exchange(tunnel.port, sent, through);
  expect(recorded.map(({ from }) => from)).toEqual(["127.0.0.1", AGENT_ADDRESS]);
  await expectSameAtOrigin(recorded[0]!, recorded[1]!, generated);
  expectSameAtClient(expected, actual, generated);
}

function framing(body: Body | null): Header[] {
  if (body === null) return [];
  return body.framing === "length" ? [["Content-Length", String(body.size)]] : [["Transfer-Encoding", "chunked"]];
}

async function expectSameAtOrigin(direct: Recorded, actual: Recorded, generated: Exchange) {
  expect(actual.method).toBe(direct.method);
  expect(actual.target).toBe(direct.target);
  // What is answered before it has been read may be cut off: what came of it is the beginning, at least.
  if (!generated.answer.early) expect((await actual.body).equals(await direct.body)).toBe(true);
  const typed = pairs(direct.rawHeaders);
  const got = pairs(actual.rawHeaders);
  const nominated = listed(typed, "connection");
  const expected = new Map<string, string>();
  for (const name of RELAYED_REQUEST_HEADERS) {
    const values = valuesOf(typed, name);
    // The platform joins what came in several lines, which RFC 9110 section 5.3 calls the same.
    if (values.length > 0 && !nominated.includes(name)) expected.set(name, values.join(", "));
  }
  const cookies = generated.cookies.filter((cookie) => !/^(__host-|__secure-|tidegate-|cf_)/i.test(cookie));
  if (cookies.length > 0) expected.set("cookie", cookies.join("; "));
  expected.set("host", tunnel.host);
  expected.set(USER_HEADER, PERSON);
  expected.set("x-forwarded-for", "192.0.2.1");
  expected.set("x-forwarded-proto", "http");
  expected.set("x-forwarded-host", tunnel.host);
  expected.set("x-openclaw-scopes", "operator.read,operator.write,operator.questions,operator.approvals");
  const arrived = got.map(([name, value]) => [name.toLowerCase(), value] as const);
  const foreign = arrived.filter(([name]) => !FRAMING_HEADERS.includes(name));
  expect(joined(foreign)).toEqual(joined([...expected]));
  // None twice: OpenClaw joins duplicates, and would take the user for another.
  expect(new Set(foreign.map(([name]) => name)).size).toBe(foreign.length);
  expect(valuesOf(got, "connection")).toHaveLength(1);
  const framed = [...valuesOf(got, "content-length"), ...valuesOf(got, "transfer-encoding")];
  expect(framed.length).toBeLessThanOrEqual(1);
}

function expectSameAtClient(direct: Answered, actual: Answered, { method, answer }: Exchange) {
  expect(actual.status).toBe(direct.status);
  expect(actual.body.equals(direct.body)).toBe(true);
  const nominated = listed(direct.headers, "connection");
  const expected = direct.headers
    .map(([name, value]): Header => [name.toLowerCase(), valueAtClient(value)])
    .filter(([name, value]) => {
      if (DROPPED_RESPONSE_HEADERS.includes(name) || FRAMING_HEADERS.includes(name) || nominated.includes(name))
        return false;
      if (ADDED_RESPONSE_HEADERS.some(([added]) => added === name)) return false;
      return name !== "set-cookie" || !DROPPED_COOKIES.includes(value);
    });
  expected.push(...ADDED_RESPONSE_HEADERS);
  const got = actual.headers
    .map(([name, value]): Header => [name.toLowerCase(), value])
    .filter(([name]) => !FRAMING_HEADERS.includes(name));
  expect(joined(got)).toEqual(joined(expected));
  const bodyless = [204, 205, 304].includes(answer.status);
  if (answer.body.framing === "length" && !bodyless && (method !== "HEAD" || answer.body.size > 0)) {
    expect(valuesOf(actual.headers, "content-length")).toEqual([String(answer.body.size)]);
  }
}

/** @returns the names that a list header holds, lower-case */
function listed(headers: Header[], name: string): string[] {
  return valuesOf(headers, name).flatMap((value) => value.split(",").map((item) => item.trim().toLowerCase()));
}

/** Values by name, in order: lines of one name may be joined, but for cookies. */
function joined(headers: readonly (readonly [string, string])[]): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [name, value] of headers) {
    const glue = name === "set-cookie" ? "\n" : ", ";
    const before = values[name];
    values[name] = before === undefined ? value : before + glue + value;
  }
  return values;
}

test("thousands of exchanges through the tunnel are what they are without it", async () => {
  const batch = fc.array(exchanges, { minLength: AT_ONCE, maxLength: AT_ONCE });
  await fc.assert(
    fc.asyncProperty(batch, async (all) => {
      await Promise.all(all.map(check));
    }),
    { numRuns: RUNS, endOnFailure: true, seed: SEED },
  );
  expect(serial).toBeGreaterThanOrEqual(3_000);
});
