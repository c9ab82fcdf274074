import { createInterface, type Interface } from "node:readline";
import { Writable } from "node:stream";
import { ScriptError } from "./script-error.ts";

/** Asks the person, on stderr; answers come from the terminal or from a pipe, a line each. */
export class Asking {
  readonly #lines: Interface;
  readonly #answers: AsyncIterator<string>;
  #hidden = false;

  constructor() {
    const terminal = process.stdin.isTTY;
    const output = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        // What is typed hidden is echoed nowhere.
        if (!this.#hidden) process.stderr.write(chunk);
        done();
      },
    });
    this.#lines = createInterface({ input: process.stdin, output, terminal });
    // Ctrl-C at a question ends the script, as anywhere else.
    this.#lines.on("SIGINT", () => process.exit(130));
    this.#answers = this.#lines[Symbol.asyncIterator]();
  }

  /** @throws {ScriptError} bad_setting when there is nobody to answer */
  async ask(question: string): Promise<string> {
    process.stderr.write(`${question} `);
    const { value, done } = await this.#answers.next();
    if (done === true)
      throw new ScriptError(
        "bad_setting",
        "no answer: say it all with flags and --yes where nobody sits at a terminal",
      );
    return String(value).trim();
  }

  async askHidden(question: string): Promise<string> {
    this.#hidden = true;
    try {
      return await this.ask(question);
    } finally {
      this.#hidden = false;
      process.stderr.write("\n");
    }
  }

  close(): void {
    this.#lines.close();
  }
}
