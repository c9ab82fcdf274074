// The demo model's whole mind: pure, so a test can put any prompt before it.

/** A chat message as OpenAI's chat completions API has it; content may come in parts. */
export interface ChatMessage {
  role: string;
  content?: string | { type?: string; text?: string }[] | null;
}

/** What the demo model says, in the pieces it is streamed in. */
export interface Answer {
  pieces: string[];
  /** Pieces come one by one, with a pause. */
  slow: boolean;
}

const ROSTER_BEGIN = "<!-- tidegate:roster:begin -->";
const ROSTER_END = "<!-- tidegate:roster:end -->";
const INTERNAL_CONTEXT = "<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT";
const NOT_VERIFIED = "I cannot tell: you are not verified.";
const NO_ADDRESS = "You are signed in, but with no verified address.";
/** How OpenClaw heads each workspace file in the system prompt. */
const ROSTER_FILE_HEADING = /^## (?:\S.*\/)?(?:AGENTS|USER)\.md$/gm;
const PERSONAL_FILE = /\/users\/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\/USER\.md$/;
const LONGEST_STORY_WORDS = 20_000;
const ECHO_CHARACTERS = 200;

/**
 * The block OpenClaw puts at the very start of each person's message, after an optional timestamp. Anchored: a block
 * further down was typed by someone who wants to be another person.
 */
const SENDER_BLOCK = /^(?:\[[^\]\n]{1,64}\] )?Conversation info:[^\n]{0,64}\n```json\n([^\n]*)\n```(?:\n|$)/;

/** Answers the last human message as a careful model would, knowing only what the prompt holds. */
export function answer(messages: ChatMessage[]): Answer {
  const system = messages.filter(({ role }) => role === "system" || role === "developer").map(textOf);
  if (system.some((text) => /session title/i.test(text))) return { pieces: ["Demo session"], slow: false };
  const message = lastHumanMessage(messages);
  const said = spokenText(message);
  const story = /\blong story (\d{1,6})\b/i.exec(said);
  if (story) return { pieces: tell(Number(story[1])), slow: true };
  if (/\bwho am i\b/i.test(said)) return { pieces: [whoIs(findSenderId(message), system.join("\n"))], slow: false };
  return { pieces: ["Demo model: ", said.slice(0, ECHO_CHARACTERS)], slow: false };
}

/** The verified person's id, if the message truly starts with OpenClaw's own block. */
export function findSenderId(message: string): string | undefined {
  const block = SENDER_BLOCK.exec(message);
  const info = block?.[1] === undefined ? undefined : parseObject(block[1]);
  const sender = info?.sender;
  if (typeof sender !== "object" || sender === null || !("id" in sender)) return undefined;
  return typeof sender.id === "string" && sender.id !== "" ? sender.id : undefined;
}

/**
 * The roster's row for `senderId`. Only the workspace's shared files count, and only one row in one block: if there
 * were two, whoever wrote the second one could choose who people are.
 */
export function findInRoster(senderId: string, prompt: string): Record<string, unknown> | undefined {
  const blocks = findSharedFiles(prompt).split(ROSTER_BEGIN).slice(1);
  const end = blocks[0]?.indexOf(ROSTER_END) ?? -1;
  if (blocks.length !== 1 || end < 0) return undefined;
  const rows = blocks[0]!
    .slice(0, end)
    .split("\n")
    .map((line) => /^- (\{.*\})\s*$/.exec(line)?.[1])
    .map((row) => (row === undefined ? undefined : parseObject(row)))
    .filter((row) => row?.["sender.id"] === senderId);
  return rows.length === 1 ? rows[0] : undefined;
}

/**
 * The text of the shared files that the roster may stand in: USER.md, or AGENTS.md until OpenClaw's first-run ritual is
 * done. The prompt also holds the personal USER.md of whoever the session belongs to.
 */
function findSharedFiles(prompt: string): string {
  const headings = [...prompt.matchAll(ROSTER_FILE_HEADING)];
  const shared = headings.flatMap((heading, index) =>
    PERSONAL_FILE.test(heading[0]) ? [] : [prompt.slice(heading.index, headings[index + 1]?.index)],
  );
  return shared.join("");
}

function whoIs(senderId: string | undefined, prompt: string): string {
  const row = senderId === undefined ? undefined : findInRoster(senderId, prompt);
  if (row === undefined) return NOT_VERIFIED;
  return typeof row.email === "string" ? `You are ${row.email} (verified sign-in).` : NO_ADDRESS;
}

/** OpenClaw appends messages of its own in the user role; they are nobody's. */
function lastHumanMessage(messages: ChatMessage[]): string {
  const spoken = messages.filter(({ role }) => role === "user").map(textOf);
  return spoken.findLast((text) => !text.startsWith(INTERNAL_CONTEXT)) ?? "";
}

function spokenText(message: string): string {
  // The first message of a session ends with a line of OpenClaw's about its runtime.
  return message.replace(SENDER_BLOCK, "").split("\n\nRuntime: agent=")[0]!.trim();
}

function tell(words: number): string[] {
  return Array.from({ length: Math.min(words, LONGEST_STORY_WORDS) }, (_, index) => `word${index + 1} `);
}

function textOf({ content }: ChatMessage): string {
  if (typeof content === "string") return content;
  return Array.isArray(content) ? content.map((part) => part.text ?? "").join("") : "";
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
