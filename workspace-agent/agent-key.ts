/** The agent's Ed25519 key, made on this machine and never sent anywhere, and the gateway's public half it pinned. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { formatFingerprint } from "#protocol/fingerprint.ts";
import { writePrivateFile } from "./state/atomic-file.ts";

export interface AgentKey {
  /** 32 raw bytes, base64url. */
  publicKey: string;
  sign(bytes: Uint8Array): Uint8Array;
}

/** @throws {Error} with a sentence for people: missing, readable by others, or no Ed25519 key */
export function readAgentKey(file: string): AgentKey {
  const mode = statSync(file).mode & 0o777;
  // Windows has no such bits; there the folder's access list is what protects the key.
  if (process.platform !== "win32" && (mode & 0o077) !== 0) {
    throw new Error(`may be read by others (mode ${mode.toString(8)}): chmod 600`);
  }
  return agentKeyFromPem(readFileSync(file, "utf8"));
}

/** @throws {Error} when the PEM holds no Ed25519 private key */
export function agentKeyFromPem(pem: string): AgentKey {
  const key = createPrivateKey(pem);
  if (key.asymmetricKeyType !== "ed25519") throw new Error("is not an Ed25519 key");
  const publicKey = createPublicKey(key).export({ format: "jwk" }).x ?? "";
  return { publicKey, sign: (bytes) => sign(null, bytes, key) };
}

/** Makes a key that is on this machine only, in a file that its owner alone can read. */
export function makeAgentKey(file: string): AgentKey {
  const pem = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  writePrivateFile(file, pem);
  return agentKeyFromPem(pem);
}

/** @returns what an administrator compares with what their page shows */
export function fingerprintOf(publicKey: string): string {
  return formatFingerprint(createHash("sha256").update(Buffer.from(publicKey, "base64url")).digest());
}

/** Verifies signatures of the tenant's gateway key. */
export class GatewayKey {
  readonly #key: KeyObject;

  /** @param raw 32 raw bytes as base64url @throws {Error} when they are no Ed25519 public key */
  constructor(raw: string) {
    this.#key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: raw }, format: "jwk" });
  }

  verifies(bytes: Uint8Array, signature: Uint8Array): boolean {
    return verify(null, bytes, this.#key, signature);
  }
}
