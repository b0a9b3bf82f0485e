// Pure: no I/O.

/** How many tests ended how. */
export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/**
 * What `deno test` says last of its tests.
 *
 * @param output The end of what it printed, without colours.
 * @param code Its exit code: a run that failed without a failed test (a file that does not compile, a test that ended
 * the process) counts as one failure, so that the counts never say less than the code.
 */
export function countsOf(output: string, code: number): Counts {
  const summary = [...output.matchAll(/^(?:ok|FAILED) \| (.*)$/gm)].at(-1)?.[1] ?? "";
  const count = (word: string) => Number(new RegExp(`(\\d+) ${word}`).exec(summary)?.[1] ?? 0);
  const failed = count("failed");
  return {
    passed: count("passed"),
    failed: failed === 0 && code !== 0 ? 1 : failed,
    skipped: count("ignored"),
  };
}

/** Where `deno test` says again at its end what failed, and why; the last lines where it did not come to that. */
export function failuresOf(output: string): string {
  const at = output.lastIndexOf("\n ERRORS \n");
  return (at < 0 ? output.split("\n").slice(-20).join("\n") : output.slice(at)).trim();
}

/** One line out of several runs' counts: `12 passed, 0 failed`, and `, 1 skipped` where some were. */
export function summaryOf(runs: readonly Counts[]): string {
  const sum = (word: keyof Counts) => runs.reduce((total, counts) => total + counts[word], 0);
  const line = `${sum("passed")} passed, ${sum("failed")} failed`;
  return sum("skipped") > 0 ? `${line}, ${sum("skipped")} skipped` : line;
}
