import { type AccessUnit, now, RtspError, type Warning } from "../media/mod.ts";
import type { TransportKind } from "../../workers/ingest_protocol.ts";
import { openByAddress } from "./open_by_address.ts";
import type { OpenRtspOptions } from "./open_rtsp.ts";
import { findingsOf } from "./probe_findings.ts";
import { type ProbedTrack, probedTracks } from "./probed_tracks.ts";

/** What a look at a camera showed. */
export interface ProbeReport {
  url: string;
  /** How long it was looked at. */
  seconds: number;
  transport: TransportKind | null;
  tracks: ProbedTrack[];
  video: {
    codec: string;
    codecString: string;
    width: number;
    height: number;
    /** Frames a second, counted. */
    frameRate: number;
    /** Frames a second, as announced; 0 where nothing was. */
    announcedRate: number;
    /** Bits a second. */
    bitRate: number;
    /** From keyframe to keyframe; 0 where there were fewer than two. */
    gopFrames: number;
    gopSeconds: number;
  };
  packets: { received: number; lost: number; reordered: number; jitter: number };
  /** Bytes of the UDP socket's receive buffer; 0 over TCP. */
  receiveBuffer: number;
  /** The longest time between two pictures as they came, in seconds. */
  longestPause: number;
  /** By how many milliseconds the camera's clock is ahead of this machine's; null where it sent no report. */
  clockOffset: number | null;
  /** Milliseconds from the call to the first picture: with the start of the thread and the wait for a keyframe. */
  firstPicture: number;
  /** What is wrong, or might be, in plain words. */
  findings: string[];
}

/**
 * Looks at a camera for some seconds, by RTSP, or by HTTP where its address is one of that. A camera that goes away meanwhile is reported, and not thrown.
 *
 * @throws as `openRtsp` and `openFlv` do.
 */
export async function probeRtsp(
  url: string,
  options: Pick<OpenRtspOptions, "username" | "password" | "transport" | "signal"> & { seconds?: number } = {},
): Promise<ProbeReport> {
  const { seconds = 5, ...open } = options;
  const warnings = new Map<string, Warning>();
  const began = performance.now();
  await using camera = await openByAddress(url, {
    ...open,
    reconnect: "never",
    beside: ["audio", "data"],
    // What is damaged was sent all the same: rates and keyframes are those of the camera, and not of what is left.
    corrupt: "deliver",
    onWarning: (warning) => warnings.set(warning.code, warning),
  });
  const firstPicture = performance.now() - began;
  const atFirst = camera.stats();
  const keyframes: { index: number; pts: number }[] = [];
  let count = 0, bytes = 0, firstPts = 0, lastPts = 0;
  let lastAt = 0, longestPause = 0;
  let gone: RtspError | null = null;
  const units = camera.video.branch()[Symbol.asyncIterator]();
  const done = setTimeout(() => void units.return?.(), seconds * 1000);
  const take = (unit: AccessUnit) => {
    if (unit.keyframe) keyframes.push({ index: count, pts: unit.pts });
    if (count++ === 0) firstPts = unit.pts;
    lastPts = unit.pts;
    bytes += unit.data.length;
    if (lastAt > 0) longestPause = Math.max(longestPause, unit.receivedAt - lastAt);
    lastAt = unit.receivedAt;
  };
  try {
    for (let result = await units.next(); !result.done; result = await units.next()) take(result.value);
  } catch (error) {
    if (!(error instanceof RtspError) || count === 0) throw error;
    gone = error;
  } finally {
    clearTimeout(done);
  }
  if (!gone && lastAt > 0) longestPause = Math.max(longestPause, now() - lastAt);
  const lookedFor = (performance.now() - began - firstPicture) / 1000;
  const stats = camera.stats();
  const { info } = camera;
  const span = (lastPts - firstPts) / 1e6;
  const gops = Math.max(1, keyframes.length - 1);
  const first = keyframes[0], last = keyframes[keyframes.length - 1];
  const report: ProbeReport = {
    url: camera.url,
    seconds: Math.round(Math.min(seconds, lookedFor) * 10) / 10,
    transport: stats.transport,
    tracks: probedTracks(camera, atFirst, lookedFor),
    video: {
      codec: info.codec,
      codecString: info.codecString,
      width: info.width,
      height: info.height,
      frameRate: span > 0 ? (count - 1) / span : 0,
      announcedRate: info.frameRate,
      bitRate: span > 0 ? bytes * 8 * (count - 1) / count / span : 0,
      gopFrames: keyframes.length > 1 ? Math.round((last.index - first.index) / gops) : 0,
      gopSeconds: keyframes.length > 1 ? (last.pts - first.pts) / 1e6 / gops : 0,
    },
    packets: { received: stats.packets, lost: stats.lost, reordered: stats.reordered, jitter: stats.jitterMs },
    receiveBuffer: stats.receiveBuffer,
    longestPause: longestPause / 1000,
    clockOffset: Number.isNaN(stats.clockOffset) ? null : stats.clockOffset,
    firstPicture,
    findings: [],
  };
  report.findings.push(
    ...findingsOf(report, { warnings, corrupt: stats.corrupt, garbageBytes: stats.garbageBytes, gone }),
  );
  return report;
}
