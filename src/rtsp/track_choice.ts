// Pure: no I/O.
import type { VideoCodec } from "../media/mod.ts";
import type { RtspTrack } from "./session_events.ts";

/** What can be had beside the video: sound of a codec that is known here; anything else, as it comes. */
export type SideKind = "audio" | "data";

/**
 * The tracks to be set up: the first video of a wanted codec, and behind it what is wanted beside; null where there is
 * no such video.
 */
export function chooseTracks(
  tracks: readonly RtspTrack[],
  wanted: { codecs: readonly VideoCodec[]; beside: readonly SideKind[] },
): RtspTrack[] | null {
  const { codecs, beside } = wanted;
  const video = tracks.find(({ codec }) => codec !== null && codecs.includes(codec));
  if (video === undefined) return null;
  const sides = beside.map((kind) => kind === "audio" ? soundOf(tracks) : dataOf(tracks, codecs));
  return [video, ...sides.filter((track) => track !== undefined)];
}

/** What a track beside the video is. */
export function sideKindOf({ audio }: RtspTrack): SideKind {
  return audio === null ? "data" : "audio";
}

function soundOf(tracks: readonly RtspTrack[]): RtspTrack | undefined {
  return tracks.find(({ audio, sendOnly }) => audio !== null && !sendOnly);
}

/** Metadata first, then whatever it is. */
function dataOf(tracks: readonly RtspTrack[], codecs: readonly VideoCodec[]): RtspTrack | undefined {
  const others = tracks.filter(({ audio, codec, sendOnly }) =>
    audio === null && !sendOnly && (codec === null || !codecs.includes(codec))
  );
  return others.find(({ kind }) => kind === "application") ?? others[0];
}
