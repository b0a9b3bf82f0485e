// Pure: no I/O.

/**
 * One line out of what `deno test` printed: `12 passed, 0 failed`, and `, 1 skipped` where some were.
 *
 * @param output The end of its standard output, without colours.
 * @param code Its exit code: a run that failed without a failed test (a file that does not compile, a test that ended
 * the process) counts as one failure, so that the line never says less than the code.
 */
export function summaryOf(output: string, code: number): string {
  const summary = [...output.matchAll(/^(?:ok|FAILED) \| (.*)$/gm)].at(-1)?.[1] ?? "";
  const count = (word: string) => Number(new RegExp(`(\\d+) ${word}`).exec(summary)?.[1] ?? 0);
  const failed = count("failed");
  const skipped = count("ignored");
  const line = `${count("passed")} passed, ${failed === 0 && code !== 0 ? 1 : failed} failed`;
  return skipped > 0 ? `${line}, ${skipped} skipped` : line;
}
