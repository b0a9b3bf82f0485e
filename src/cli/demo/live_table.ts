/** Between two looks where there is no terminal to draw on again and again, in milliseconds. */
const PLAIN_INTERVAL = 5_000;
const LIVE_INTERVAL = 250;

/** Where a table is drawn. */
export interface Screen {
  /** Whether lines can be drawn over. */
  readonly live: boolean;
  /** Columns, as far as is known. */
  readonly columns: number;
  write(text: string): void;
}

/** Standard output or standard error. */
export function screenOf(stream: typeof Deno.stdout | typeof Deno.stderr): Screen {
  const live = stream.isTerminal() && Deno.env.get("TERM") !== "dumb";
  const encoder = new TextEncoder();
  return {
    live,
    get columns() {
      // A terminal that does not know its size says 0.
      return live && Deno.consoleSize().columns || 80;
    },
    write(text) {
      const bytes = encoder.encode(text);
      for (let at = 0; at < bytes.length;) at += stream.writeSync(bytes.subarray(at));
    },
  };
}

/** Rows under headings, each column as wide as its widest cell. */
export function tableOf(headings: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = headings.map((heading, i) => Math.max(heading.length, ...rows.map((row) => row[i].length)));
  return [headings, ...rows].map((row) => row.map((cell, i) => cell.padEnd(widths[i])).join("  ").trimEnd());
}

/** Lines that are drawn again and again in the same place of a terminal; elsewhere they are printed now and then. */
export class LiveTable implements Disposable {
  readonly #screen: Screen;
  readonly #lines: () => string[];
  readonly #timer: ReturnType<typeof setInterval>;
  #drawn = 0;

  constructor(screen: Screen, lines: () => string[]) {
    this.#screen = screen;
    this.#lines = lines;
    this.#timer = setInterval(() => this.draw(), screen.live ? LIVE_INTERVAL : PLAIN_INTERVAL);
    if (screen.live) this.draw();
  }

  draw(): void {
    const { live, columns } = this.#screen;
    const lines = this.#lines().map((line) => live ? line.slice(0, columns - 1) : line);
    const over = live && this.#drawn > 0 ? `\x1b[${this.#drawn}A\r\x1b[J` : "";
    this.#screen.write(over + lines.map((line) => line + "\n").join(""));
    this.#drawn = lines.length;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
