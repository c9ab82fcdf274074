/** The company's way out: HTTPS_PROXY and NO_PROXY as curl reads them, and the tunnel through it by CONNECT. */
import type { Agent } from "node:http";
import { HttpsProxyAgent } from "https-proxy-agent";

type Environment = Readonly<Record<string, string | undefined>>;

/** @returns the proxy for `url`, or null for a direct connection @throws {Error} in words, without the value */
export function findProxy(url: URL, env: Environment): URL | null {
  const value = env["https_proxy"] || env["HTTPS_PROXY"];
  // Plain http goes to loopback only, where no proxy could help.
  if (!value || url.protocol !== "https:" || isExempt(url, env["no_proxy"] || env["NO_PROXY"] || "")) return null;
  const proxy = URL.parse(value.includes("://") ? value : `http://${value}`);
  if (proxy === null || (proxy.protocol !== "http:" && proxy.protocol !== "https:")) {
    throw new Error("must be an http or https URL");
  }
  return proxy;
}

/** @returns an agent for one dial; what it opened is closed when `signal` is aborted, also a proxy that never answers */
export function proxyAgent(proxy: URL, signal: AbortSignal): Agent {
  const address = new URL(proxy);
  address.username = "";
  address.password = "";
  const options = { headers: authorization(proxy), signal };
  // Without its credentials: the library writes the address to its debug log.
  return new HttpsProxyAgent(address.href, options);
}

function authorization({ username, password }: URL): Record<string, string> {
  if (username === "" && password === "") return {};
  const credentials = Buffer.from(`${decode(username)}:${decode(password)}`).toString("base64");
  return { "Proxy-Authorization": `Basic ${credentials}` };
}

/** A percent sign that encodes nothing is what it is. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function isExempt(url: URL, list: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = url.port || "443";
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== "")
    .some((entry) => {
      const [, name = "", entryPort = port] =
        /^\[?(.*?)\]?(?::(\d+))?$/.exec(isBareIpv6(entry) ? `[${entry}]` : entry) ?? [];
      if (name === "*") return true;
      const domain = name.replace(/^\*?\./, "");
      return entryPort === port && (host === domain || host.endsWith(`.${domain}`));
    });
}

function isBareIpv6(entry: string): boolean {
  return !entry.startsWith("[") && entry.split(":").length > 2;
}
