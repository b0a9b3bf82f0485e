// Pure: no I/O.
import { RtspError, type RtspErrorCode, type VideoCodec } from "../media/mod.ts";
import type { RtspTrack } from "./session_events.ts";
import { pathOf } from "./url.ts";

/** What a server's refusal means, in one sentence for someone who sees RTSP for the first time. */
export function statusError(
  action: string,
  refusal: { status: number; reason: string; method: string; url: string; credentials: boolean },
): RtspError {
  const { status, method } = refusal;
  const answer = `${status} ${printable(refusal.reason)}`.trim();
  const [code, text] = explain(answer, refusal);
  return new RtspError(code, `${action}: ${text}`, { status, method });
}

function explain(
  answer: string,
  { status, method, url, credentials }: { status: number; method: string; url: string; credentials: boolean },
): [RtspErrorCode, string] {
  switch (status) {
    case 401:
      return credentials
        ? ["unauthorized", "the camera refuses this user name and password"]
        : ["unauthorized", "the camera asks for a user name and password, and none were given"];
    case 403:
      return ["unauthorized", `the camera does not allow this user to watch (${answer})`];
    case 404:
      return [
        "not-found",
        `the camera has no stream at "${pathOf(url) || "/"}"; look up the path in the camera's manual`,
      ];
    case 453:
    case 503:
      return ["status", `the camera has no room for another viewer (${answer}); end other programs that watch it`];
    case 454:
      return ["closed", "the camera has ended the session"];
    case 461:
      return ["transport", "the camera takes none of the transports that were offered"];
    default:
      return ["status", `the camera answered ${method} with ${answer}`];
  }
}

/** Why none of the tracks can be used. */
export function trackError(action: string, tracks: readonly RtspTrack[], codecs: readonly VideoCodec[]): RtspError {
  const video = tracks.filter((track) => track.kind === "video");
  const method = "DESCRIBE", status = 200;
  if (video.length === 0) {
    const offered = tracks.map(nameOf).join(", ");
    return new RtspError(
      "no-video",
      `${action}: the camera offers no video, only ${offered || "an empty description"}`,
      {
        method,
        status,
      },
    );
  }
  const names = [...new Set(video.map((track) => printable(track.encoding) || "an unnamed codec"))].join(", ");
  const supported = codecs.map((codec) => codec.toUpperCase()).join(", ");
  return new RtspError("codec", `${action}: its video is ${names}, supported is ${supported}`, { method, status });
}

function nameOf(track: RtspTrack): string {
  return track.encoding === "" ? track.kind : `${track.kind} (${printable(track.encoding)})`;
}

/** A peer's words, fit to be shown: one short line without control characters. */
function printable(text: string): string {
  // deno-lint-ignore no-control-regex -- control characters are what is taken out
  return text.replace(/[\x00-\x1f\x7f-\x9f]+/g, " ").slice(0, 80).trim();
}
