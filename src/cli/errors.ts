// Pure: no I/O.
import { AnalysisError, DecodeError, OnvifError, RtspError, SetupError, ShmError } from "../media/mod.ts";

/** A command line that cannot be understood. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Errors that a user can do something about: their message is all there is to say. */
const EXPECTED = [
  AnalysisError,
  DecodeError,
  OnvifError,
  RtspError,
  SetupError,
  ShmError,
  UsageError,
  SyntaxError,
  TypeError,
  RangeError,
];

/** What to do about an error, where the library's message leaves that to whoever knows the program. */
const ADVICE: readonly [RegExp, string][] = [
  [/asks for a user name and password/, "give --user and --password"],
  [/refuses this user name and password/, "check both, and that the camera has not locked the user out"],
  [/does not allow this user/, "give that user the right to watch in the camera, or use another with --user"],
  [/did not answer [A-Z_]+ in/, "check that this is its port for RTSP (mostly 554), or restart the camera"],
  [/it is no ONVIF device/, "check the address, and that ONVIF is switched on in the camera"],
  [/offers no video/, "look up the path of its video in the camera's manual"],
  [/its video is .+, supported is/, "switch the camera to H.264"],
  [/takes none of the transports/, "try --transport tcp, or udp"],
  [/over TLS is not supported/, "use the camera's rtsp:// address"],
  [/^Cannot read address "[^"]+\.(mp4|mov|h26[45]|mjpeg)"/i, "a file is played as a camera by: millrace camera"],
  [/no MP4 file, and no raw|has no picture|has no video track/, "name a video file"],
  [/its video is/, "only H.264 and H.265 can be decoded or played as a camera"],
];

/** Deno's words for it. */
const MISSING_PERMISSION = /requires (\w+) access to "(.*?)", run again with (?:the )?--allow-\w+(?:=\S+)?(?: flag)?/i;

/** What to print of an error, in one sentence, and whether it was to be expected. */
export function sentenceOf(error: unknown): { sentence: string; expected: boolean } {
  if (!(error instanceof Error)) return { sentence: String(error), expected: false };
  const sentence = systemSentence(error);
  if (sentence !== null) return { sentence, expected: true };
  const message = error.message.replace(
    MISSING_PERMISSION,
    "it needs $1 access to $2; run it again with --allow-$1=$2",
  );
  if (error.name === "NotCapable") return { sentence: `Not permitted: ${message}`, expected: true };
  const expected = EXPECTED.some((kind) => error instanceof kind);
  const advice = expected && !message.includes("; ") ? ADVICE.find(([says]) => says.test(message))?.[1] : undefined;
  return { sentence: advice ? `${message}; ${advice}` : message, expected };
}

/** Of what the system or Deno refused; null where it is another error. */
function systemSentence({ name, message }: Error): string | null {
  // Deno puts what it was about behind the system's words.
  const about = /['"]([^'"]+)['"]/.exec(message)?.[1] ?? "";
  switch (name) {
    case "NotFound":
      if (message.startsWith("Failed to spawn")) return `Cannot run ${about}: it is not installed`;
      return about ? `There is no such file: ${about}; check the path` : message;
    case "IsADirectory":
      return `Cannot read ${about}: it is a folder; name a file in it`;
    case "PermissionDenied":
      return about ? `Cannot open ${about}: this user may not; check its permissions` : `Not permitted: ${message}`;
    case "AddrInUse":
      return "That port is in use; choose another with --port, or 0 for any free one";
    case "AddrNotAvailable":
      return "That address is none of this machine's; choose another with --host";
    case "BrokenPipe":
      return "";
  }
  if (/failed to lookup address/.test(message)) return "There is no host of that name; choose another with --host";
  return null;
}

/** Prints an error, and gives the exit code. */
export function report(error: unknown, options: { debug: boolean }): number {
  const { sentence, expected } = sentenceOf(error);
  if (sentence !== "") console.error(sentence);
  if (options.debug && error instanceof Error) console.error(error.stack);
  else if (!expected) console.error("This was not to be expected: run it again with --debug, and report what it says.");
  return error instanceof UsageError ? 2 : 1;
}
