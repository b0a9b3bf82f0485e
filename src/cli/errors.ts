// Pure: no I/O.
import { AnalysisError, DecodeError, RtspError, SetupError, ShmError } from "../media/mod.ts";

/** Errors that a user can do something about: their message is all there is to say. */
const EXPECTED = [
  AnalysisError,
  DecodeError,
  RtspError,
  SetupError,
  ShmError,
  SyntaxError,
  TypeError,
  RangeError,
];

/** What to print of an error, in one sentence, and whether it was to be expected. */
export function sentenceOf(error: unknown): { sentence: string; expected: boolean } {
  if (!(error instanceof Error)) return { sentence: String(error), expected: false };
  const expected = EXPECTED.some((kind) => error instanceof kind);
  switch (error.name) {
    case "NotFound":
      return {
        sentence: `There is no such file: ${/'([^']+)'/.exec(error.message)?.[1] ?? error.message}`,
        expected: true,
      };
    case "NotCapable":
    case "PermissionDenied":
      return { sentence: `Not permitted: ${error.message}`, expected: true };
    case "AddrInUse":
      return { sentence: "That port is in use; choose another with --port, or 0 for any free one", expected: true };
    case "AddrNotAvailable":
      return { sentence: "That address is none of this machine's; choose another with --host", expected: true };
    case "BrokenPipe":
      return { sentence: "", expected: true };
  }
  return { sentence: error.message, expected };
}

/** Prints an error, and gives the exit code. */
export function report(error: unknown, options: { debug: boolean }): number {
  const { sentence, expected } = sentenceOf(error);
  if (sentence !== "") console.error(sentence);
  if (options.debug && error instanceof Error) console.error(error.stack);
  else if (!expected) console.error("This was not to be expected: run it again with --debug, and report what it says.");
  return 1;
}
