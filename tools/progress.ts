/** Between two plain lines, where there is no terminal, in milliseconds. */
const PLAIN_INTERVAL = 5_000;
const WIDTH = 24;

/** Shows how far something is: a live line on a terminal, now and then a line elsewhere. */
export class Progress {
  readonly #terminal = Deno.stderr.isTerminal() && Deno.env.get("TERM") !== "dumb";
  readonly #startedAt = performance.now();
  #shownAt = -Infinity;
  #shown = "";
  #live = false;

  /** @param done From 0 to 1. */
  show(done: number, what: string): void {
    const now = performance.now();
    const line = `${this.#bar(done)} ${String(Math.floor(done * 100)).padStart(3)} %  ${what}`;
    if (this.#terminal) {
      if (now - this.#shownAt < 80 && done < 1 && what === this.#shown) return;
      this.#write(`\r\x1b[2K${line}  ${this.#elapsed()}`);
      this.#live = true;
    } else {
      if (now - this.#shownAt < PLAIN_INTERVAL && what === this.#shown) return;
      this.#write(`${line}  ${this.#elapsed()}\n`);
    }
    this.#shownAt = now;
    this.#shown = what;
  }

  /** A line that stays. */
  say(line: string): void {
    this.end();
    this.#write(`${line}\n`);
  }

  /** Takes the live line away. */
  end(): void {
    if (this.#live) this.#write("\r\x1b[2K");
    this.#live = false;
  }

  #bar(done: number): string {
    const full = Math.round(Math.min(1, Math.max(0, done)) * WIDTH);
    return this.#terminal
      ? `[${"█".repeat(full)}${"░".repeat(WIDTH - full)}]`
      : `[${"#".repeat(full)}${".".repeat(WIDTH - full)}]`;
  }

  #elapsed(): string {
    const seconds = Math.round((performance.now() - this.#startedAt) / 1000);
    return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  }

  #write(text: string): void {
    Deno.stderr.writeSync(new TextEncoder().encode(text));
  }
}
