/** Between two looks where there is no terminal to draw on again and again, in milliseconds. */
const PLAIN_INTERVAL = 5_000;
const LIVE_INTERVAL = 250;

/** Where a table is drawn. */
export interface Screen {
  /** Whether lines can be drawn over. */
  readonly live: boolean;
  /** As far as is known. */
  readonly size: { columns: number; rows: number };
  write(text: string): void;
}

/** Standard output or standard error. */
export function screenOf(stream: typeof Deno.stdout | typeof Deno.stderr): Screen {
  const live = stream.isTerminal() && Deno.env.get("TERM") !== "dumb";
  const encoder = new TextEncoder();
  return {
    live,
    get size() {
      // A terminal that does not know its size says 0.
      const { columns, rows } = live ? Deno.consoleSize() : { columns: 0, rows: 0 };
      return { columns: columns || 80, rows: rows || 24 };
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

/** What is drawn: lines of a table, which are cut where they are too long, and sentences below, which go on in the next line. */
export interface Content {
  table: string[];
  notes: string[];
}

/** Lines that are drawn again and again in the same place of a terminal; elsewhere they are printed now and then. */
export class LiveTable implements Disposable {
  readonly #screen: Screen;
  readonly #content: () => Content;
  readonly #timer: ReturnType<typeof setInterval>;
  #drawn = 0;

  constructor(screen: Screen, content: () => Content) {
    this.#screen = screen;
    this.#content = content;
    this.#timer = setInterval(() => this.draw(), screen.live ? LIVE_INTERVAL : PLAIN_INTERVAL);
    if (screen.live) this.draw();
  }

  draw(): void {
    const { table, notes } = this.#content();
    if (!this.#screen.live) return this.#screen.write([...table, ...notes].map((line) => line + "\n").join(""));
    const { columns, rows } = this.#screen.size;
    // What does not fit would scroll, and could not be drawn over.
    const fitting = [
      ...table.map((line) => line.slice(0, columns - 1)),
      ...notes.flatMap((note) => wrapped(note, columns - 1)),
    ].slice(0, Math.max(1, rows - 1));
    // Line by line, and in one piece, so that nothing flickers.
    const up = this.#drawn > 0 ? `\x1b[${this.#drawn}A\r` : "";
    this.#screen.write(up + fitting.map((line) => `${line}\x1b[K\n`).join("") + "\x1b[J");
    this.#drawn = fitting.length;
  }

  /** Takes it off the screen, and draws it no more. */
  erase(): void {
    this[Symbol.dispose]();
    if (this.#drawn > 0) this.#screen.write(`\x1b[${this.#drawn}A\r\x1b[J`);
    this.#drawn = 0;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** A line in pieces that fit, cut between words where that can be. */
function wrapped(line: string, columns: number): string[] {
  const pieces: string[] = [];
  let rest = line;
  while (rest.length > columns) {
    const space = rest.lastIndexOf(" ", columns);
    const end = space > 0 ? space : columns;
    pieces.push(rest.slice(0, end));
    rest = rest.slice(end).trimStart();
  }
  return [...pieces, rest];
}
