/** A terminal as far as the demo needs one: what is to be seen on it after all that was written. */
export class Terminal {
  readonly #lines: string[] = [""];
  #row = 0;
  #column = 0;

  /** @throws {SyntaxError} where an escape sequence is none that it knows. */
  write(text: string): void {
    // deno-lint-ignore no-control-regex -- what begins an escape sequence
    for (const [part, count, action] of text.matchAll(/\x1b\[(\d*)([A-Z])|[^]/g)) {
      if (action) this.#escape(action, count);
      else if (part === "\r") this.#column = 0;
      else if (part === "\n") {
        this.#column = 0;
        this.#row++;
        if (this.#row === this.#lines.length) this.#lines.push("");
      } else if (part === "\x1b") throw new SyntaxError("An escape sequence that is not known");
      else {
        const line = this.#lines[this.#row].padEnd(this.#column);
        this.#lines[this.#row] = line.slice(0, this.#column) + part + line.slice(this.#column + 1);
        this.#column++;
      }
    }
  }

  get lines(): string[] {
    return this.#lines;
  }

  #escape(action: string, count: string): void {
    const rest = () => this.#lines[this.#row] = this.#lines[this.#row].slice(0, this.#column);
    switch (action) {
      case "A":
        this.#row = Math.max(0, this.#row - Number(count || 1));
        break;
      case "K":
        rest();
        break;
      case "J":
        rest();
        this.#lines.length = this.#row + 1;
        break;
      default:
        throw new SyntaxError(`An escape sequence that is not known: ${action}`);
    }
  }
}
