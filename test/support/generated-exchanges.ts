/** Requests as browsers, programs and attackers send them, and answers as origins give them, at random (fast-check). */
import fc from "fast-check";
import {
  ADDED_RESPONSE_HEADERS,
  DROPPED_COOKIES,
  DROPPED_REQUEST_HEADERS,
  DROPPED_RESPONSE_HEADERS,
  RELAYED_COOKIES,
  RELAYED_REQUEST_HEADERS,
  RELAYED_RESPONSE_HEADERS,
} from "./fidelity-rules.ts";
import type { Header } from "./http-exchange.ts";

const MAX_BODY_BYTES = 300 * 1024;
const MAX_UNREAD_BYTES = 60 * 1024;

/** A body without the cost of a random one: `size` bytes that depend on `seed`, cut where `cuts` say. */
export interface Body {
  size: number;
  seed: number;
  framing: "length" | "chunked";
  pieces: number;
}

export interface Exchange {
  method: string;
  /** Without the key that finds the script. */
  path: string;
  query: string;
  headers: Header[];
  cookies: string[];
  body: Body | null;
  answer: {
    status: number;
    headers: Header[];
    body: Body;
    /** Before the request's body is read. */
    early: boolean;
  };
}

const size = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 300 }) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 20_000 }) },
  { weight: 1, arbitrary: fc.constantFrom(0, 1, 65_535, 65_536, 65_537, 131_072, 262_144, 262_145) },
  { weight: 1, arbitrary: fc.integer({ min: 20_000, max: MAX_BODY_BYTES }) },
);
const body: fc.Arbitrary<Body> = fc.record({
  size,
  seed: fc.nat(255),
  framing: fc.constantFrom("length", "chunked"),
  pieces: fc.integer({ min: 1, max: 4 }),
});

/** Characters that a path keeps as they are, and escapes. Dots only between others: OpenClaw would resolve them. */
const pathUnit = fc.constantFrom(..."abcXYZ019-_~!$&'()*+,;=:@", "%20", "%2F", "%5c", "%00", "%e2%82%ac", "%2e.x");
const segment = fc.array(pathUnit, { maxLength: 12 }).map((units) => `s${units.join("")}`);
const path = fc
  .array(fc.oneof(segment, fc.constant("s.x"), fc.constant("")), { maxLength: 6 })
  .map((all) => all.join("/"));
const queryUnit = fc.constantFrom(
  ..."abcXYZ019-_~!$&'()*+,;=:@/?.",
  "%20",
  "%00",
  "%zz",
  "%",
  "//",
  "../",
  "http://x/",
);
const query = fc.array(queryUnit, { maxLength: 40 }).map((units) => `q=${units.join("").replaceAll("&", "&q")}`);

/** Never empty: the platform loses a header without a value when it knows the name. */
const visible = fc
  .array(fc.constantFrom(..."abc XYZ\t019!#$%&'*+-.^_`|~\"(),/:;<=>?@[\\]{}"), { maxLength: 60 })
  .map((units) => units.join("").trim() || "x");
const utf8 = fc
  .constantFrom("caf\u00e9", "\u20ac 5", "\u65e5\u672c", "\u{1f30a}")
  .map((text) => Buffer.from(text).toString("latin1"));
const latin1 = fc.constantFrom("caf\xe9", "\xff\xfe", "\xc3(", "\x80");

/** The platform decodes request headers as UTF-8 before any code of ours: other bytes are lost there. */
const requestValue = fc.oneof({ weight: 6, arbitrary: visible }, { weight: 1, arbitrary: utf8 });
const responseValue = fc.oneof(
  { weight: 6, arbitrary: visible },
  { weight: 1, arbitrary: utf8 },
  { weight: 1, arbitrary: latin1 },
);

/** Any mixture of cases: names have none. */
function spelled(name: string): fc.Arbitrary<string> {
  return fc.constantFrom(
    name,
    name.toUpperCase(),
    name.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase()),
  );
}

const allowedHeader = fc
  .constantFrom(...RELAYED_REQUEST_HEADERS.filter((name) => name !== "origin"))
  .chain((name) => fc.tuple(spelled(name), requestValue));
const hostileHeader = fc
  .constantFrom(...DROPPED_REQUEST_HEADERS)
  .chain((name) => fc.tuple(spelled(name), fc.oneof(requestValue, fc.constant("evil@example.com"))));
/** Nominates names of every kind, some of them allowed. */
const connection = fc
  .subarray(["keep-alive", "x-anything", "accept-language", "user-agent", "x-openclaw-scopes", "if-match", "te"], {
    minLength: 1,
  })
  .chain((names) => fc.tuple(spelled("connection"), fc.constant(names.join(", "))));
const requestHeaders = fc
  .tuple(
    fc.array(allowedHeader, { maxLength: 8 }),
    fc.array(hostileHeader, { maxLength: 5 }),
    fc.option(connection, { nil: null, freq: 4 }),
  )
  .map(([allowed, hostile, nominating]) => [...allowed, ...hostile, ...(nominating === null ? [] : [nominating])]);

const cookie = fc.constantFrom(
  "theme=dark",
  "a=1",
  "b=x=y",
  "cf_clearance=1",
  "__Host-x=1",
  "tidegate-other=1",
  "sid=%20",
);

const relayedHeader = fc
  .constantFrom(...RELAYED_RESPONSE_HEADERS)
  .chain((name) => fc.tuple(spelled(name), responseValue));
const droppedHeader = fc
  // Node's server takes these two for its own.
  .constantFrom(
    ...DROPPED_RESPONSE_HEADERS.filter((name) => name !== "upgrade" && name !== "trailer"),
    ...ADDED_RESPONSE_HEADERS.map(([name]) => name),
  )
  .chain((name) => fc.tuple(spelled(name), visible));
const setCookie = fc.constantFrom(...RELAYED_COOKIES, ...DROPPED_COOKIES).map((value): Header => ["Set-Cookie", value]);
const encoding = fc
  .constantFrom("gzip", "br", "deflate", "identity")
  .map((value): Header => ["Content-Encoding", value]);
const responseHeaders = fc
  .tuple(
    fc.array(relayedHeader, { maxLength: 8 }),
    fc.array(droppedHeader, { maxLength: 3 }),
    fc.array(setCookie, { maxLength: 4 }),
    // The body is no gzip: whoever touches it breaks it.
    fc.option(encoding, { nil: null, freq: 4 }),
    fc.boolean(),
  )
  .map(([relayed, dropped, cookies, encoded, nominating]): Header[] => [
    ...relayed,
    ...dropped,
    ...cookies,
    ...(encoded === null ? [] : [encoded]),
    ...(nominating ? ([["Connection", "keep-alive, X-Nominated"]] as Header[]) : []),
  ]);

const status = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(200, 200, 206, 302, 404, 416, 500) },
  { weight: 2, arbitrary: fc.constantFrom(204, 205, 304) },
  { weight: 2, arbitrary: fc.integer({ min: 200, max: 599 }) },
);
const answer = fc.record({ status, headers: responseHeaders, body, early: fc.boolean() });

/** What an admin may send where: reads anywhere, every other method where the Control UI writes, tools by name. */
const route = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      method: fc.constantFrom("GET", "GET", "HEAD"),
      prefix: fc.constantFrom("/", "/x/", "/api/chat/"),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      method: fc.constantFrom("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY", "PROPFIND"),
      prefix: fc.constantFrom("/api/chat/", "/api/users/", "/api/media/"),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ method: "POST", prefix: "/tools/invoke" }) },
);

export const exchanges: fc.Arbitrary<Exchange> = fc
  .tuple(route, path, query, requestHeaders, fc.array(cookie, { maxLength: 4 }), body, fc.nat(9), answer)
  .map(([{ method, prefix }, rest, asked, headers, cookies, content, bodyless, answered]) => ({
    method,
    path: prefix === "/tools/invoke" ? prefix : prefix + rest.replace(/^\/+/, ""),
    query: asked,
    headers,
    cookies,
    // A read rarely has one, a write rarely has none; both may.
    body: (method === "GET" || method === "HEAD" ? bodyless === 0 : bodyless > 0) ? content : null,
    // Beyond that the platform resets a connection whose upload it stops reading, and the client may lose the answer.
    answer: { ...answered, early: answered.early && content.size <= MAX_UNREAD_BYTES },
  }));

/** @returns a body's pieces; the bytes say where they belong, so that a swap or a gap is seen */
export function piecesOf({ size, seed, pieces }: Body): Buffer[] {
  const whole = Buffer.allocUnsafe(size);
  for (let at = 0; at < size; at++) whole[at] = (seed + at + (at >> 8) * 31) & 0xff;
  const length = Math.ceil(size / pieces);
  return Array.from({ length: pieces }, (_, piece) => whole.subarray(piece * length, (piece + 1) * length));
}
