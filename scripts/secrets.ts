import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hkdfSync,
  randomBytes,
  type KeyObject,
} from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "./atomic-file.ts";
import { ScriptError } from "./script-error.ts";

const KEY_BYTES = 32;
/** DER of PKCS8 up to the seed of an Ed25519 key (RFC 8410 section 7). */
const ED25519_PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");

const NAMES = ["sessionSecret", "storageKey", "gatewayPassword", "userHeader"] as const;

/** What one local installation keeps to itself. */
export type LocalSecrets = Record<(typeof NAMES)[number], string>;

/** The agent's own key pair and name. */
export interface AgentKey {
  agentId: string;
  /** Raw Ed25519 public key, base64url: what the gateway is told. */
  publicKey: string;
}

/**
 * Reads the installation's secrets, made at random on first use.
 * @throws {ScriptError} state_corrupted
 */
export function openSecrets(home: string): LocalSecrets {
  const path = join(home, "secrets.json");
  if (!existsSync(path)) {
    const made: LocalSecrets = {
      sessionSecret: randomBytes(KEY_BYTES).toString("base64url"),
      storageKey: randomBytes(KEY_BYTES).toString("base64url"),
      gatewayPassword: randomBytes(KEY_BYTES).toString("base64url"),
      // A name nobody can guess: another local program cannot present an identity without reading our files.
      userHeader: `x-tidegate-user-${randomBytes(8).toString("hex")}`,
    };
    writeFileAtomic(path, JSON.stringify(made, undefined, 2));
  }
  const read = readObject(path);
  if (!NAMES.every((name) => typeof read[name] === "string" && read[name] !== "")) throw corrupted(path);
  return read as LocalSecrets;
}

/**
 * Reads the agent's identity in `folder`, made on first use.
 * @throws {ScriptError} state_corrupted
 */
export function openAgentKey(folder: string): AgentKey {
  const keyPath = join(folder, "agent.key");
  const settingsPath = join(folder, "agent.json");
  if (!existsSync(keyPath)) {
    const { privateKey } = generateKeyPairSync("ed25519");
    writeFileAtomic(keyPath, privateKey.export({ type: "pkcs8", format: "pem" }) as string);
  }
  const publicKey = rawPublicKey(readPrivateKey(keyPath));
  // Not written here: the agent's settings hold it, and they are written whole at each start.
  if (!existsSync(settingsPath)) return { agentId: randomBytes(16).toString("base64url"), publicKey };
  const { agentId } = readObject(settingsPath);
  if (typeof agentId !== "string" || agentId === "") throw corrupted(settingsPath);
  return { agentId, publicKey };
}

/** The tenant's gateway key, which the agent pins: derived, so that nothing has to be copied between the two. */
export function gatewayPublicKey(storageKey: string, tenant: string): string {
  const seed = hkdfSync("sha256", Buffer.from(storageKey, "utf8"), "", `tidegate gateway-key v1 ${tenant}`, KEY_BYTES);
  const der = Buffer.concat([ED25519_PKCS8_PREFIX, Buffer.from(seed)]);
  return rawPublicKey(createPrivateKey({ key: der, format: "der", type: "pkcs8" }));
}

function rawPublicKey(privateKey: KeyObject): string {
  const der = createPublicKey(privateKey).export({ type: "spki", format: "der" });
  return der.subarray(-KEY_BYTES).toString("base64url");
}

function readPrivateKey(path: string): KeyObject {
  try {
    return createPrivateKey(readFileSync(path));
  } catch (error) {
    throw corrupted(path, error);
  }
}

function readObject(path: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch (error) {
    throw corrupted(path, error);
  }
  throw corrupted(path);
}

function corrupted(path: string, cause?: unknown): ScriptError {
  return new ScriptError("state_corrupted", `${path} cannot be read. Start afresh with: npm run reset`, { cause });
}
