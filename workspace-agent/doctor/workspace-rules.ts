/** The folder that OpenClaw reads identities from. Pure. */
import { MAX_PERSONAL_CHARACTERS } from "../identity/roster.ts";
import { fail, ok, warn } from "./check.ts";
import { CONFIGURE, type Rule, withWorkspace } from "./rule.ts";

/** OpenClaw cuts a longer root USER.md in the middle. */
const ROOT_BUDGET_CHARACTERS = 4_000;

export const WORKSPACE_RULES: Readonly<Record<string, Rule>> = {
  workspace: withWorkspace("Workspace", ({ folders, unknownFolders, unwritable, refused }) => {
    const written = folders.join(", ");
    if (unknownFolders.length > 0) {
      return fail(`OpenClaw works in ${unknownFolders.join(", ")}, too; the agent writes to ${written}.`, CONFIGURE);
    }
    const [unwritten] = unwritable;
    if (unwritten !== undefined)
      return fail(`The agent may not write in ${unwritten}.`, `chown or chmod ${unwritten} for the agent's user.`);
    return refused.length === 0
      ? ok(written)
      : fail(`OpenClaw ignores what is a link or no file: ${refused.join(", ")}.`, "Replace each by a plain file.");
  }),
  budget: withWorkspace("USER.md", ({ rootCharacters, tooLong }) => {
    if (tooLong > 0) {
      return warn(
        `${tooLong} personal USER.md are longer than ${MAX_PERSONAL_CHARACTERS} characters: OpenClaw leaves them out.`,
        "Shorten what is below the agent's block.",
      );
    }
    if (rootCharacters === null) return ok("Not there yet.");
    return rootCharacters <= ROOT_BUDGET_CHARACTERS
      ? ok(`${rootCharacters} of ${ROOT_BUDGET_CHARACTERS} characters.`)
      : warn(
          `USER.md has ${rootCharacters} characters: of more than ${ROOT_BUDGET_CHARACTERS} OpenClaw cuts out the middle.`,
          "Shorten what is below the agent's block.",
        );
  }),
};
