/** Requests that two parsers may read differently, byte for byte, and what the edge makes of each. */

export interface Attempt {
  name: string;
  /** `HEAD` stands for the header lines of a signed-in client, `INNER` for a whole request of another one. */
  bytes: string;
  /** Statuses that come back, in order; none when the connection just ends. */
  statuses: number[];
  /** Bodies of the requests that reach the origin whole. */
  bodies: string[];
}

export const INNER = "GET /key-inner- HTTP/1.1\r\nHost: x\r\n\r\n";

const POST = "POST /api/media/key-outer- HTTP/1.1\r\nHEAD";
const GET = "GET /key-outer- HTTP/1.1\r\nHEAD";
const CHUNKED = "Transfer-Encoding: chunked\r\n";
const HELLO = "5\r\nhello\r\n0\r\n\r\n";

function attempt(name: string, bytes: string, statuses: number[], bodies: string[] = []): Attempt {
  return { name, bytes, statuses, bodies };
}

export const ATTEMPTS: Attempt[] = [
  attempt("length and chunks", `${POST}Content-Length: 5\r\n${CHUNKED}\r\n0\r\n\r\nINNER`, [200], [""]),
  attempt("chunks and length", `${POST}${CHUNKED}Content-Length: 5\r\n\r\n${HELLO}INNER`, [200], ["hello"]),
  attempt("a coding that only looks like chunked", `${POST}Transfer-Encoding: xchunked\r\n\r\n${HELLO}INNER`, [400]),
  attempt("chunked among others", `${POST}Transfer-Encoding: chunked, identity\r\n\r\n${HELLO}INNER`, [400]),
  attempt("two codings in two lines", `${POST}${CHUNKED}Transfer-Encoding: identity\r\n\r\n${HELLO}INNER`, [400]),
  attempt("chunked in two lines", `${POST}${CHUNKED}${CHUNKED}\r\n${HELLO}INNER`, [200, 403], ["hello"]),
  attempt("a coding behind a vertical tab", `${POST}Transfer-Encoding:\x0bchunked\r\n\r\n${HELLO}INNER`, [400]),
  attempt("chunked in quotes", `${POST}Transfer-Encoding: "chunked"\r\n\r\n${HELLO}INNER`, [400]),
  attempt("chunked in HTTP/1.0", `POST /api/media/key-outer- HTTP/1.0\r\nHEAD${CHUNKED}\r\n${HELLO}INNER`, [400]),
  attempt("two lengths", `${POST}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!`, [400]),
  attempt("one length twice", `${POST}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`, [200], ["hello"]),
  attempt("a list of lengths", `${POST}Content-Length: 5, 5\r\n\r\nhello`, [400]),
  attempt("a positive length", `${POST}Content-Length: +5\r\n\r\nhello`, [400]),
  attempt("a negative length", `${POST}Content-Length: -5\r\n\r\nhello`, [400]),
  attempt("a hexadecimal length", `${POST}Content-Length: 0x5\r\n\r\nhello`, [400]),
  attempt("a length with a gap", `${POST}Content-Length: 5 0\r\n\r\nhello`, [400]),
  attempt("a length beyond 64 bits", `${POST}Content-Length: 18446744073709551621\r\n\r\nhello`, [400]),
  attempt("an empty length", `${POST}Content-Length:\r\n\r\nINNER`, [400]),
  attempt("a length that promises more", `${POST}Content-Length: 50\r\n\r\nhello`, [502]),
  attempt("a hexadecimal chunk size with prefix", `${POST}${CHUNKED}\r\n0x5\r\nhello\r\n0\r\n\r\n`, [502]),
  attempt("a positive chunk size", `${POST}${CHUNKED}\r\n+5\r\nhello\r\n0\r\n\r\n`, [502]),
  attempt("a negative chunk size", `${POST}${CHUNKED}\r\n-5\r\nhello\r\n0\r\n\r\n`, [502]),
  attempt("a chunk size beyond 64 bits", `${POST}${CHUNKED}\r\n10000000000000005\r\nhello\r\n0\r\n\r\n`, [502]),
  attempt("a chunk size that lies", `${POST}${CHUNKED}\r\n3\r\nhello\r\n0\r\n\r\n`, [502]),
  attempt("a chunk extension", `${POST}${CHUNKED}\r\n5;a="\r\nhello\r\n0\r\n\r\nINNER`, [200, 403], ["hello"]),
  attempt("a space behind a chunk size", `${POST}${CHUNKED}\r\n5 \r\nhello\r\n0\r\n\r\n`, [200], ["hello"]),
  attempt("chunks that end in LF", `${POST}${CHUNKED}\r\n5\nhello\n0\n\n`, [502]),
  attempt("an empty chunk size", `${POST}${CHUNKED}\r\n\r\nhello\r\n0\r\n\r\n`, [502]),
  attempt(
    "a trailer that is a header",
    `${POST}${CHUNKED}\r\n5\r\nhello\r\n0\r\nX-Forwarded-User: evil\r\n\r\n`,
    [200],
    ["hello"],
  ),
  attempt("lines that end in LF", `GET /key-outer- HTTP/1.1\nLFHEAD\n`, [200], [""]),
  attempt("a lone CR in a value", `${GET}Accept: a\rX-Forwarded-User: evil\r\n\r\n`, [400]),
  attempt("a folded line", `${GET}Accept: a\r\n X-Forwarded-User: evil\r\n\r\n`, [400]),
  attempt("a space before the colon", `${POST}Content-Length : 5\r\n\r\nhello`, [400]),
  attempt("a space before the name", `${GET} Content-Length: 5\r\n\r\nhello`, [400]),
  attempt("a header without colon", `${GET}Accept\r\n\r\n`, [400]),
  attempt("a header without name", `${GET}: a\r\n\r\n`, [400]),
  attempt("a NUL in a value", `${GET}Accept: a\0b\r\n\r\n`, [400]),
  attempt("a NUL in a name", `${GET}Acc\0ept: a\r\n\r\n`, [400]),
  attempt("a NUL in the target", `GET /key-outer-\0 HTTP/1.1\r\nHEAD\r\n`, [400]),
  attempt("a space in the target", `GET /key-outer- /x HTTP/1.1\r\nHEAD\r\n`, [400]),
  attempt("a tab in the request line", `GET\t/key-outer-\tHTTP/1.1\r\nHEAD\r\n`, [400]),
  attempt("a CR in the target", `GET /key-outer-\rX HTTP/1.1\r\nHEAD\r\n`, [400]),
  attempt("an escaped line break in the target", `GET /key-outer-%0d%0aX:%20y HTTP/1.1\r\nHEAD\r\n`, [200], [""]),
  attempt("an absolute target of another host", `GET http://evil/key-outer- HTTP/1.1\r\nHEAD\r\n`, [200], [""]),
  attempt("an absolute target of this host", `GET http://HOST/key-outer- HTTP/1.1\r\nHEAD\r\n`, [200], [""]),
  attempt("an authority target", `CONNECT evil:80 HTTP/1.1\r\nHEAD\r\nINNER`, [500]),
  attempt("an asterisk target", `OPTIONS * HTTP/1.1\r\nHEAD\r\n`, [400]),
  attempt("a method in lower case", `get /key-outer- HTTP/1.1\r\nHEAD\r\n`, [501]),
  attempt("a method with a colon", `GET: /key-outer- HTTP/1.1\r\nHEAD\r\n`, [400]),
  attempt("TRACE", `TRACE /api/media/key-outer- HTTP/1.1\r\nHEAD\r\n`, [403]),
  attempt("HTTP/2's preface", `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`, []),
  attempt("no version", `GET /key-outer-\r\nHEAD\r\n`, [400]),
  attempt("two hosts", `${GET}Host: evil\r\n\r\n`, [403]),
  attempt(
    "an upgrade to h2c",
    `${GET}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: \r\n\r\n`,
    [200],
    [""],
  ),
  attempt(
    "an upgrade with a body",
    `${POST}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
      `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nContent-Length: LENGTH\r\n\r\nINNER`,
    [502],
  ),
  attempt("a request in a read's body", `${GET}Content-Length: LENGTH\r\n\r\nINNER`, [200], [INNER]),
  attempt("a request behind a refused target", `GET //x HTTP/1.1\r\nHEAD\r\nINNER`, [400, 403]),
  attempt("a request behind a refused credential", `GET /?password=1 HTTP/1.1\r\nHEAD\r\nINNER`, [400, 403]),
  attempt(
    "a request in the body of a refused one",
    `PUT /x HTTP/1.1\r\nHEADContent-Length: LENGTH\r\n\r\nINNER`,
    [403],
  ),
  attempt("an unsigned request behind a signed one", `${GET}\r\nINNER`, [200, 403], [""]),
];
