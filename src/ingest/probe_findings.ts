// Pure: no I/O.
import type { Warning } from "../media/mod.ts";
import type { ProbeReport } from "./probe.ts";

/** A keyframe less often than this makes viewers wait, in seconds. */
const LONG_GOP = 4;
/** Jitter above this delays pictures visibly, in milliseconds. */
const HIGH_JITTER = 30;
/** Out of order, as a share of all packets, is worth a word. */
const MUCH_REORDERED = 0.01;
/** A pause between two pictures worth a word: so many of the usual times between them, and at least so many seconds. */
const PAUSE_FRAMES = 5;
const PAUSE_SECONDS = 0.5;
/** A camera's clock that is off by more is worth a word, in milliseconds. */
const CLOCK_TOLERANCE = 2_000;

/** Until then a sender may take its time with its first report, in seconds (RFC 3550, 6.2). */
const FIRST_REPORT = 7.5;

/** Warnings that say something by themselves, in the order of their weight. */
const TELLING = [
  "receive-buffer",
  "socket-drops",
  "udp-silent",
  "sdp",
  "rtp-malformed",
  "rtp-payload-type",
  "rtp-restart",
  "oversize",
];

/** What else was seen, besides the report. */
export interface Observed {
  warnings: ReadonlyMap<string, Warning>;
  /** Pictures with something missing. */
  corrupt: number;
  /** Bytes of the RTSP connection that belonged to nothing. */
  garbageBytes: number;
  /** Why the camera went away. */
  gone: Error | null;
}

/** What is wrong with a camera, or might be, and what to do, in plain words; the worst comes first. */
export function findingsOf(report: Omit<ProbeReport, "findings">, observed: Observed): string[] {
  const findings = [
    ...lossFindings(report, observed),
    ...rateFindings(report, observed),
    ...keyframeFindings(report, observed),
    ...clockFindings(report),
    ...trackFindings(report),
  ];
  for (const code of TELLING) {
    const message = observed.warnings.get(code)?.message;
    if (message) findings.push(message.charAt(0).toLowerCase() + message.slice(1));
  }
  return findings;
}

function* lossFindings({ packets, seconds, transport }: Omit<ProbeReport, "findings">, observed: Observed) {
  const { corrupt, garbageBytes, gone } = observed;
  if (gone) yield `it went away after ${seconds} s (${gone.message}): look at its power and its network`;
  const { received, lost, reordered, jitter } = packets;
  if (lost > 0) {
    const way = transport === "udp" ? "try --transport tcp, or look at the network" : "look at the network";
    yield `${lost} packets were lost (${share(lost, lost + received)}), which damaged ${corrupt} pictures: ${way}`;
  }
  if (reordered > MUCH_REORDERED * received) {
    yield `${reordered} packets came out of order (${
      share(reordered, received)
    }), and were put back: look at the network`;
  }
  if (garbageBytes > 0) {
    yield `${garbageBytes} bytes of the connection belonged to nothing, and were passed over: update the camera, or try --transport udp`;
  }
  if (jitter > HIGH_JITTER) {
    yield `packets come with ${jitter.toFixed(0)} ms of jitter: the network, or the camera, is overloaded`;
  }
}

function* rateFindings({ video, longestPause }: Omit<ProbeReport, "findings">, { gone }: Observed) {
  const { frameRate, announcedRate } = video;
  if (longestPause > Math.max(PAUSE_SECONDS, frameRate > 0 ? PAUSE_FRAMES / frameRate : 0)) {
    yield `no picture came for ${longestPause.toFixed(1)} s at a time: the network, or the camera, stalls`;
  } else if (!gone && announcedRate > 0 && frameRate > 0 && frameRate < 0.8 * announcedRate) {
    yield `${
      frameRate.toFixed(1)
    } frames a second came, ${announcedRate} are announced: dim light, or the camera is overloaded`;
  }
}

function* keyframeFindings({ video, seconds }: Omit<ProbeReport, "findings">, { gone }: Observed) {
  if (gone) return;
  if (video.gopFrames === 0) {
    yield `there were fewer than two keyframes in ${seconds} s: whoever joins waits that long; set the keyframe interval in the camera to 1 or 2 s`;
  } else if (video.gopSeconds > LONG_GOP) {
    yield `the keyframes are ${
      video.gopSeconds.toFixed(1)
    } s apart: whoever joins waits up to that long; set 1 or 2 s in the camera`;
  }
}

function* clockFindings({ clockOffset, seconds }: Omit<ProbeReport, "findings">) {
  if (clockOffset === null) {
    if (seconds > FIRST_REPORT) yield "the camera sent no report of its clock: pictures have no wall time";
  } else if (Math.abs(clockOffset) > CLOCK_TOLERANCE) {
    yield `the camera's clock is ${(clockOffset / 1000).toFixed(1)} s off this machine's: set up NTP in the camera`;
  }
}

/** Documents of events come when there is one. */
function* trackFindings({ tracks, seconds }: Omit<ProbeReport, "findings">) {
  for (const { kind, encoding, as, refused, unitRate } of tracks) {
    if (as === null || as === "video") continue;
    const name = as === "audio" ? "sound" : "data";
    if (refused !== "") yield `its ${name} (${encoding || kind}) does not come: ${refused}`;
    else if (as === "audio" && unitRate === 0) yield `it offers sound (${encoding}), and sent none in ${seconds} s`;
  }
}

function share(part: number, whole: number): string {
  return `${(100 * part / whole).toFixed(1)} %`;
}
