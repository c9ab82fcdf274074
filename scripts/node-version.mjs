// Read by any Node there is: no imports and no new syntax here.

const OLDEST_LAUNCHER = 20;
const DOWNLOAD = "https://nodejs.org/en/download";
/** What OpenClaw 2026.9.6 asks for, the strictest of all we run. */
const WANTED_NODE = "24.16 or a later 24.x, or 26.1 or newer";

/** @param {string} version */
function parse(version) {
  const [major = 0, minor = 0] = version.replace(/^v/, "").split(".").map(Number);
  return { major, minor };
}

/**
 * Why a Node of this version cannot even install the one we run on; undefined when it can.
 * @param {string} version
 * @returns {string | undefined}
 */
export function launcherFault(version) {
  if (parse(version).major >= OLDEST_LAUNCHER) return undefined;
  return `needs Node ${OLDEST_LAUNCHER} or newer to begin; this is ${version}. Get one at ${DOWNLOAD}`;
}

/**
 * Can a Node of this version run our sources and OpenClaw?
 * @param {string} version
 */
export function isWantedNode(version) {
  const { major, minor } = parse(version);
  return (major === 24 && minor >= 16) || (major === 26 && minor >= 1) || major > 26;
}

/**
 * What to do where neither this Node fits nor the one from npm starts.
 * @param {string} version
 * @param {string} platform
 */
export function noNodeText(version, platform) {
  return (
    `needs Node ${WANTED_NODE}; this is ${version} on ${platform}, and the Node that npm can install does not start ` +
    `here.\ntidegate: get one at ${DOWNLOAD} and run the same command again`
  );
}
