import type { Warning } from "../media/mod.ts";
import { openRtsp, type OpenRtspOptions } from "./open_rtsp.ts";

/** A keyframe less often than this makes viewers wait, in seconds. */
const LONG_GOP = 4;
/** Jitter above this delays pictures visibly, in milliseconds. */
const HIGH_JITTER = 30;
/** A camera's clock that is off by more is worth a word, in milliseconds. */
const CLOCK_TOLERANCE = 2_000;

/** What a look at a camera showed. */
export interface ProbeReport {
  url: string;
  /** How long it was looked at. */
  seconds: number;
  transport: "udp" | "tcp" | null;
  tracks: { kind: string; encoding: string; selected: boolean }[];
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
  /** By how many milliseconds the camera's clock is ahead of this machine's; null where it sent no report. */
  clockOffset: number | null;
  /** Milliseconds from the call to the first picture: with the start of the thread and the wait for a keyframe. */
  firstPicture: number;
  /** What is wrong, or might be, in plain words. */
  findings: string[];
}

/** Looks at a camera for some seconds. Throws as `openRtsp` does. */
export async function probeRtsp(
  url: string,
  options: Pick<OpenRtspOptions, "username" | "password" | "transport" | "signal"> & { seconds?: number } = {},
): Promise<ProbeReport> {
  const { seconds = 5, ...open } = options;
  const warnings = new Map<string, Warning>();
  const began = performance.now();
  await using camera = await openRtsp(url, {
    ...open,
    reconnect: "never",
    onWarning: (warning) => warnings.set(warning.code, warning),
  });
  const firstPicture = performance.now() - began;
  const keyframes: { index: number; pts: number }[] = [];
  let count = 0, bytes = 0, firstPts = 0, lastPts = 0;
  let clockOffset: number | null = null;
  const done = setTimeout(() => void units.return?.(), seconds * 1000);
  const units = camera.video.branch()[Symbol.asyncIterator]();
  for (let result = await units.next(); !result.done; result = await units.next()) {
    const unit = result.value;
    if (unit.keyframe) keyframes.push({ index: count, pts: unit.pts });
    if (count++ === 0) firstPts = unit.pts;
    lastPts = unit.pts;
    bytes += unit.data.length;
    if (unit.wallTime !== null) clockOffset = unit.wallTime - unit.receivedAt;
  }
  clearTimeout(done);
  const stats = camera.stats();
  const { info } = camera;
  const span = (lastPts - firstPts) / 1e6;
  const gops = Math.max(1, keyframes.length - 1);
  const first = keyframes[0], last = keyframes[keyframes.length - 1];
  const report: ProbeReport = {
    url: camera.url,
    seconds,
    transport: stats.transport,
    tracks: camera.tracks.map(({ kind, encoding, codec }) => ({
      kind,
      encoding,
      selected: codec === info.codec && kind === "video",
    })),
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
    clockOffset,
    firstPicture,
    findings: [],
  };
  report.findings.push(...findingsOf(report, warnings, stats.corrupt));
  return report;
}

function findingsOf(report: ProbeReport, warnings: ReadonlyMap<string, Warning>, corrupt: number): string[] {
  const { video, packets, seconds, clockOffset } = report;
  const findings: string[] = [];
  if (packets.lost > 0) {
    const share = (100 * packets.lost / (packets.lost + packets.received)).toFixed(1);
    findings.push(
      `${packets.lost} packets were lost (${share} %), which damaged ${corrupt} pictures: try --transport tcp, or look at the network`,
    );
  }
  if (video.gopFrames === 0) {
    findings.push(
      `there were fewer than two keyframes in ${seconds} s: whoever joins waits that long; set the keyframe interval in the camera to 1 or 2 s`,
    );
  } else if (video.gopSeconds > LONG_GOP) {
    findings.push(
      `the keyframes are ${
        video.gopSeconds.toFixed(1)
      } s apart: whoever joins waits up to that long; set 1 or 2 s in the camera`,
    );
  }
  if (packets.jitter > HIGH_JITTER) {
    findings.push(
      `packets come with ${packets.jitter.toFixed(0)} ms of jitter: the network, or the camera, is overloaded`,
    );
  }
  if (video.announcedRate > 0 && video.frameRate > 0 && video.frameRate < 0.8 * video.announcedRate) {
    findings.push(
      `${
        video.frameRate.toFixed(1)
      } frames a second came, ${video.announcedRate} are announced: dim light, or the camera is overloaded`,
    );
  }
  if (clockOffset === null) findings.push("the camera sent no report of its clock: pictures have no wall time");
  else if (Math.abs(clockOffset) > CLOCK_TOLERANCE) {
    findings.push(
      `the camera's clock is ${(clockOffset / 1000).toFixed(1)} s off this machine's: set up NTP in the camera`,
    );
  }
  for (const code of ["receive-buffer", "socket-drops", "udp-silent", "sdp", "rtp-malformed", "rtp-payload-type"]) {
    const warning = warnings.get(code);
    if (warning) findings.push(warning.message.charAt(0).toLowerCase() + warning.message.slice(1));
  }
  return findings;
}
