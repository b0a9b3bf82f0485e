// Pure: no I/O.
import type { VideoCodec } from "../media/mod.ts";
import { baseUrl, controlUrl } from "./control_url.ts";
import type { RtspResponse } from "./message.ts";
import { parseSdp } from "./sdp.ts";
import type { RtspTrack } from "./session_events.ts";
import { tracksOf } from "./tracks.ts";
import type { RtspUrl } from "./url.ts";

/** What an answer to DESCRIBE says. */
export interface Description {
  tracks: RtspTrack[];
  warnings: string[];
  /** The URL that stands for the stream; keep-alives go there. */
  base: string;
  /** The URL that PLAY and TEARDOWN go to. */
  playUrl: string;
}

/** Reads the answer to DESCRIBE. */
export function readDescription(
  response: RtspResponse,
  options: { asked: RtspUrl; codecs: readonly VideoCodec[] },
): Description {
  const { asked, codecs } = options;
  const { headers } = response;
  const description = parseSdp(new TextDecoder().decode(response.body));
  const base = baseUrl(asked, headers.get("Content-Base"), headers.get("Content-Location"));
  return {
    tracks: tracksOf(description, { base, asked, codecs }),
    warnings: description.warnings,
    base,
    playUrl: controlUrl(description.control, base, asked),
  };
}
