/**
 * A stand-in of the public Internet: named https hosts, reached as behind a company's proxy (CONNECT), so that a script
 * under test runs unchanged. Hosts that nobody serves are refused by the proxy.
 */
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer as createProxy, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer } from "node:https";
import { connect, type AddressInfo } from "node:net";
import { trustedCertificate } from "../agent/support/certificate.ts";

export type Site = (request: IncomingMessage, response: ServerResponse) => void;

export class Internet {
  /** By host name. */
  readonly sites: Map<string, Site>;
  /** `host/path` of every request. */
  readonly asked: string[] = [];
  readonly #proxy: Server;
  readonly #server: Server;
  readonly #caFile: string;

  private constructor(sites: Map<string, Site>, proxy: Server, server: Server, caFile: string) {
    this.sites = sites;
    this.#proxy = proxy;
    this.#server = server;
    this.#caFile = caFile;
  }

  /** @param caFile is written: the certificate that the hosts have */
  static async start(hosts: readonly string[], caFile: string): Promise<Internet> {
    const certificate = trustedCertificate(hosts);
    writeFileSync(caFile, certificate.cert);
    const sites = new Map<string, Site>();
    const server = createServer(certificate);
    const proxy = createProxy();
    const internet = new Internet(sites, proxy, server, caFile);
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      const host = request.headers.host ?? "";
      internet.asked.push(`${host}${request.url ?? ""}`);
      const site = sites.get(host);
      if (site === undefined) response.writeHead(530).end();
      else site(request, response);
    });
    proxy.on("connect", ({ url = "" }: IncomingMessage, socket) => {
      const [host = ""] = url.split(":");
      if (!hosts.includes(host)) return void socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
      const onward = connect((server.address() as AddressInfo).port, "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
        onward.pipe(socket).pipe(onward);
      });
      onward.on("error", () => socket.destroy());
      socket.on("error", () => onward.destroy());
    });
    server.listen(0, "127.0.0.1");
    proxy.listen(0, "127.0.0.1");
    await Promise.all([once(server, "listening"), once(proxy, "listening")]);
    return internet;
  }

  /** For a script that shall live there. */
  get env(): Record<string, string> {
    const proxy = `http://127.0.0.1:${(this.#proxy.address() as AddressInfo).port}`;
    return { HTTPS_PROXY: proxy, NO_PROXY: "127.0.0.1", NODE_USE_ENV_PROXY: "1", NODE_EXTRA_CA_CERTS: this.#caFile };
  }

  stop(): void {
    for (const server of [this.#proxy, this.#server]) {
      server.closeAllConnections();
      server.close();
    }
  }
}
