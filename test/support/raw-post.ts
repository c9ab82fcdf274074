import { connect } from "node:net";

/** Writes the request line as it is: no client library would send these. */
export async function rawPost(url: string, target: string, cookie: string): Promise<number> {
  const { host, hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const lines = [`POST ${target} HTTP/1.1`, `Host: ${host}`, `Origin: ${url}`, `Cookie: ${cookie}`];
  socket.write([...lines, "Content-Length: 2", "Connection: close", "", "{}"].join("\r\n"));
  let answer = "";
  for await (const chunk of socket) answer += String(chunk);
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);
}
