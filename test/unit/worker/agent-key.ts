/** An agent's end of the gateway's HTTP calls: a key, and signatures as SPEC.md section 12 has them. */
import { assertionTranscript, callTranscript, successionTranscript } from "#protocol/messages.ts";
import { toBase64Url } from "../../../worker/cookies/base64url.ts";
import { NOW } from "./app.ts";

export class TestKey {
  readonly publicKey: string;
  #privateKey: CryptoKey;

  private constructor(publicKey: string, privateKey: CryptoKey) {
    this.publicKey = publicKey;
    this.#privateKey = privateKey;
  }

  static async make(): Promise<TestKey> {
    const pair = (await crypto.subtle.generateKey({ name: "Ed25519" }, true, ["sign", "verify"])) as CryptoKeyPair;
    const raw = (await crypto.subtle.exportKey("raw", pair.publicKey)) as ArrayBuffer;
    return new TestKey(toBase64Url(new Uint8Array(raw)), pair.privateKey);
  }

  /** `Authorization` of a call. */
  async call(
    { method = "GET", path, body = "" }: { method?: string; path: string; body?: string },
    { agent = this.publicKey, pass = "", seconds = NOW / 1000, host = "localhost:8080" } = {},
  ): Promise<string> {
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(body));
    const transcript = callTranscript({ host, agent, seconds, method, path }, toBase64Url(new Uint8Array(digest)));
    return `Tidegate ${agent}.${seconds}.${await this.#sign(transcript)}${pass === "" ? "" : `.${pass}`}`;
  }

  /** `Authorization` of the tunnel's upgrade. */
  async upgrade(agent: string, { pass = "", seconds = NOW / 1000, host = "localhost:8080" } = {}): Promise<string> {
    const signature = await this.#sign(assertionTranscript(host, agent, seconds));
    return `Tidegate ${agent}.${seconds}.${signature}${pass === "" ? "" : `.${pass}`}`;
  }

  async succession(agent: string, host = "localhost:8080"): Promise<{ publicKey: string; signature: string }> {
    const { publicKey } = this;
    return { publicKey, signature: await this.#sign(successionTranscript(host, agent, publicKey)) };
  }

  async #sign(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
    return toBase64Url(new Uint8Array(await crypto.subtle.sign("Ed25519", this.#privateKey, bytes)));
  }
}
