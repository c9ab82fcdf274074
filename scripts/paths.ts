import { join, resolve } from "node:path";

/** The checkout. */
export const rootFolder = join(import.meta.dirname, "..");

/** What is downloaded once per checkout, like node_modules; `npm run reset` keeps it. */
export const downloadFolder = join(rootFolder, ".tidegate");

/** Where `npm start` keeps its state: TIDEGATE_HOME, else .tidegate in the checkout. */
export function homeFolder(env: NodeJS.ProcessEnv): string {
  return env.TIDEGATE_HOME ? resolve(rootFolder, env.TIDEGATE_HOME) : downloadFolder;
}
