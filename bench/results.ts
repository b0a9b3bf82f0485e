/** One figure. */
export interface Result {
  /** Thing, case, figure: `decode.h264.1080p`. */
  name: string;
  value: number;
  unit: string;
  /** To the rival's figure in the same run; above 1 is more than the rival's. */
  ratio?: number;
  rival?: string;
}

/** Collects figures, and prints them as a table or as JSON lines. */
export class Results {
  readonly #all: Result[] = [];
  readonly #json: boolean;

  constructor(json: boolean) {
    this.#json = json;
  }

  add(result: Result): void {
    this.#all.push(result);
    if (this.#json) console.log(JSON.stringify(result));
  }

  /** Prints the table, where lines were not printed already. */
  print(): void {
    if (this.#json) return;
    const rows = this.#all.map(({ name, value, unit, ratio, rival }) => [
      name,
      `${value >= 100 ? value.toFixed(0) : value.toPrecision(3)} ${unit}`,
      ratio === undefined ? "" : `${ratio.toFixed(2)} of ${rival}`,
    ]);
    const widths = [0, 1, 2].map((i) => Math.max(...rows.map((row) => row[i].length)));
    for (const row of rows) console.log(row.map((cell, i) => cell.padEnd(widths[i])).join("  ").trimEnd());
  }
}

/** The middle one of some figures. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The figure that a share of all lies below. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}
