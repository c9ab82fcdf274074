/** Large bodies, down and up. */
import { request, type RequestOptions } from "node:http";
import type { Address, Volume } from "./job.ts";

const CHUNK = Buffer.alloc(256 * 1024, "up");

export async function loadDown(address: Address, bytes: number, streams: number): Promise<Volume> {
  const began = performance.now();
  const all = await Promise.all(Array.from({ length: streams }, () => download(address, bytes)));
  return { bytes: all.reduce((sum, one) => sum + one, 0), seconds: (performance.now() - began) / 1000 };
}

export function loadUp(address: Address, bytes: number): Promise<Volume> {
  const { promise, resolve, reject } = Promise.withResolvers<Volume>();
  const began = performance.now();
  const call = request({ ...callOf(address), method: "POST", path: "/api/media/bulk" });
  call.on("error", reject);
  call.on("response", (response) => {
    let text = "";
    response.on("data", (chunk: Buffer) => (text += chunk.toString()));
    response.on("end", () => {
      if (text !== String(bytes)) reject(new Error(`the origin counted ${text.slice(0, 200)} of ${bytes} bytes`));
      else resolve({ bytes, seconds: (performance.now() - began) / 1000 });
    });
  });
  void (async () => {
    for (let sent = 0; sent < bytes; sent += CHUNK.byteLength) {
      const free = call.write(CHUNK.subarray(0, Math.min(CHUNK.byteLength, bytes - sent)));
      if (!free) await new Promise((drained) => call.once("drain", drained));
    }
    call.end();
  })();
  return promise;
}

function download(address: Address, bytes: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const call = request({ ...callOf(address), path: `/down?bytes=${bytes}` });
  call.on("error", reject);
  call.on("response", (response) => {
    let received = 0;
    response.on("data", (chunk: Buffer) => (received += chunk.byteLength));
    response.on("error", reject);
    response.on("end", () => {
      if (received === bytes) resolve(received);
      else reject(new Error(`${received} of ${bytes} bytes, status ${response.statusCode}`));
    });
  });
  call.end();
  return promise;
}

function callOf(address: Address): RequestOptions {
  const headers = { host: address.host, origin: `http://${address.host}`, cookie: address.cookies[0] ?? "" };
  return { host: "127.0.0.1", port: address.port, headers, agent: false };
}
