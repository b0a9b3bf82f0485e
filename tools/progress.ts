/** Between two plain lines, where there is no terminal, in milliseconds. */
const PLAIN_INTERVAL = 3_000;
/** Between two drawings of the live line. */
const LIVE_INTERVAL = 80;
const WIDTH = 24;

export interface ProgressOptions {
  /** Whether a line can be drawn over. @default {whether standard error is a terminal that can} */
  terminal?: boolean;
  /** Milliseconds. @default {performance.now} */
  now?: () => number;
  /** @default {to standard error: standard output belongs to the program} */
  write?: (text: string) => void;
}

/** Shows how far something is: a live line on a terminal, now and then a plain line elsewhere. */
export class Progress {
  readonly #terminal: boolean;
  readonly #now: () => number;
  readonly #write: (text: string) => void;
  readonly #startedAt: number;
  #shownAt = -Infinity;
  #done = -1;
  #what = "";
  /** The last state that no plain line has shown. */
  #unshown: string | null = null;
  #live = false;

  constructor(options: ProgressOptions = {}) {
    this.#terminal = options.terminal ?? (Deno.stderr.isTerminal() && Deno.env.get("TERM") !== "dumb");
    this.#now = options.now ?? (() => performance.now());
    this.#write = options.write ?? ((text) => void Deno.stderr.writeSync(new TextEncoder().encode(text)));
    this.#startedAt = this.#now();
  }

  /** @param done From 0 to 1. */
  show(done: number, what: string): void {
    if (done === this.#done && what === this.#what) return;
    this.#done = done;
    this.#what = what;
    const now = this.#now();
    const line = `${this.#bar(done)} ${String(Math.floor(done * 100)).padStart(3)} %  ${what}  ${this.#elapsed(now)}`;
    const early = now - this.#shownAt < (this.#terminal ? LIVE_INTERVAL : PLAIN_INTERVAL);
    this.#unshown = early ? line : null;
    if (early) return;
    this.#shownAt = now;
    if (this.#terminal) {
      this.#write(`\r\x1b[2K${line}`);
      this.#live = true;
    } else this.#write(`${line}\n`);
  }

  /** A line that stays. */
  say(line: string): void {
    this.#clear();
    this.#write(`${line}\n`);
  }

  /** Takes the live line away; where there is no terminal, the last word is printed if nobody saw it. */
  end(): void {
    if (!this.#terminal && this.#unshown !== null) this.#write(`${this.#unshown}\n`);
    this.#unshown = null;
    this.#clear();
  }

  #clear(): void {
    if (this.#live) this.#write("\r\x1b[2K");
    this.#live = false;
  }

  #bar(done: number): string {
    const full = Math.round(Math.min(1, Math.max(0, done)) * WIDTH);
    const [on, off] = this.#terminal ? ["█", "░"] : ["#", "."];
    return `[${on.repeat(full)}${off.repeat(WIDTH - full)}]`;
  }

  #elapsed(now: number): string {
    const seconds = Math.round((now - this.#startedAt) / 1000);
    return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  }
}
