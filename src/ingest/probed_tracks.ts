// Pure: no I/O.
import { chooseTracks, type RtspTrack, type SideKind, sideKindOf } from "../rtsp/mod.ts";
import type { RtspCamera, RtspCameraStats } from "./rtsp_camera.ts";

/** A track of a camera's description, and what came of it. */
export interface ProbedTrack {
  kind: string;
  encoding: string;
  /** Whether it was asked for: the first video, the first sound, and one of what else there is. */
  selected: boolean;
  /** What it was asked for as; null where it was not. */
  as: "video" | SideKind | null;
  /** Why it did not come though it was asked for; empty where it came. */
  refused: string;
  /** Pictures, frames of sound, or documents a second; 0 where none came. */
  unitRate: number;
  /** Bits a second, headers of packets among them. */
  bitRate: number;
  /** Of sound: samples a second and channels, 0 where they are not known. */
  sampleRate: number;
  channels: number;
}

/** What came of each track in so many seconds, since the counters were those. */
export function probedTracks(
  camera: Pick<RtspCamera, "tracks" | "info" | "audioInfo" | "stats">,
  before: RtspCameraStats,
  seconds: number,
): ProbedTrack[] {
  const { tracks, info, audioInfo } = camera;
  const after = camera.stats();
  const selected = chooseTracks(tracks, { codecs: [info.codec], beside: ["audio", "data"] }) ?? [];
  return tracks.map((track): ProbedTrack => {
    const { kind, encoding, audio } = track;
    const as: ProbedTrack["as"] = !selected.includes(track) ? null : track.codec !== null ? "video" : sideKindOf(track);
    const { sampleRate = 0, channels = 0 } = (as !== null ? audioInfo : null) ?? audio ?? {};
    const probed = { kind, encoding, selected: as !== null, as, refused: "", unitRate: 0, bitRate: 0 };
    if (as !== null) {
      const was = progressOf(track, before), is = progressOf(track, after);
      probed.refused = is.refused;
      probed.unitRate = (is.units - was.units) / seconds;
      probed.bitRate = (is.bytes - was.bytes) * 8 / seconds;
    }
    return audio ? { ...probed, sampleRate, channels } : { ...probed, sampleRate: 0, channels: 0 };
  });
}

function progressOf(track: RtspTrack, stats: RtspCameraStats): { units: number; bytes: number; refused: string } {
  if (track.codec !== null) return { units: stats.accessUnits, bytes: stats.bytes, refused: "" };
  const side = stats[sideKindOf(track)];
  return { units: side?.units ?? 0, bytes: side?.bytes ?? 0, refused: side?.reason ?? "" };
}
