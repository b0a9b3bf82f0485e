import type { FramesElsewhere } from "./frames_elsewhere.ts";
import { tableOf } from "./live_table.ts";
import type { WatchedCamera } from "./watched_camera.ts";

/** How the demo went; what `--json` prints. Times in milliseconds. */
export interface Summary {
  seconds: number;
  cameras: {
    name: string;
    url: string;
    state: string;
    transport: string | null;
    frames: number;
    fps: number;
    /** Median from the last packet of a picture until it was decoded; null where there was none. */
    latencyMs: number | null;
    dropped: number;
    /** Those that there was no time to decode. */
    shed: number;
  }[];
  /** The other process; its latency is until the picture was there, scaled, of the few pictures that it gets. */
  reader: { frames: number; missed: number; latencyMs: number | null };
  analysis: { results: number };
  /** What ended and was not to. */
  failures: string[];
}

/** How it went so far. */
export function summaryOf(
  cameras: readonly WatchedCamera[],
  reader: FramesElsewhere,
  more: { seconds: number; failures: readonly string[] },
): Summary {
  return {
    seconds: round(more.seconds, 1),
    cameras: cameras.map(({ name, url, state, transport, frames, fps, latency, dropped, shed }) => ({
      name,
      url,
      state,
      transport,
      frames,
      fps: round(fps, 2),
      latencyMs: round(latency.value, 2),
      dropped,
      shed,
    })),
    reader: { frames: reader.frames, missed: reader.missed, latencyMs: round(reader.latency.value, 2) },
    analysis: { results: cameras.reduce((sum, { results }) => sum + results, 0) },
    failures: [...new Set([...cameras.flatMap(({ failures }) => failures), ...more.failures])],
  };
}

/** The live table's lines. */
export function tableLines(
  cameras: readonly WatchedCamera[],
  reader: FramesElsewhere,
  ratesNow: readonly number[],
): string[] {
  const rows = cameras.map((watched, i) => {
    const { name, state, transport } = watched;
    return [
      name,
      state + (transport ? ` (${transport})` : ""),
      ratesNow[i].toFixed(1),
      milliseconds(watched.latency.value),
      String(watched.dropped),
      String(watched.shed),
      `${reader.framesOf(watched.ring.name)} of ${watched.ring.name}`,
      watched.motion ? `${bar(watched.motion.score)} ${(100 * watched.motion.score).toFixed(1)} %` : "-",
    ];
  });
  return tableOf(["CAMERA", "STATE", "FPS", "LATENCY", "DROPPED", "SHED", "READ ELSEWHERE", "MOTION"], rows);
}

/** A summary for people. */
export function summaryLines({ seconds, cameras, reader, analysis, failures }: Summary): string[] {
  return [
    `After ${seconds} s:`,
    ...cameras.map(({ name, state, frames, fps, latencyMs, dropped, shed }) =>
      `  ${name}: ${state}` + (frames === 0 ? ", no frame" : `, ${frames} frames, ${fps.toFixed(1)} a second, ` +
        `${dropped} dropped${
          shed > 0 ? `, ${shed} not decoded for want of time` : ""
        }; from the last packet to the decoded frame ${milliseconds(latencyMs)} (median)`)
    ),
    `  the other process: ${reader.frames} frames, ${reader.missed} missed; ` +
    `from the last packet to that process, scaled on the way, ${milliseconds(reader.latencyMs)} (median)`,
    `  the analysis without permissions: ${analysis.results} results`,
    ...failures.map((failure) => `  ${failure}`),
  ];
}

function milliseconds(value: number | null): string {
  return value === null ? "-" : `${value.toFixed(1)} ms`;
}

function bar(score: number): string {
  // A tenth of the picture is much motion already.
  const full = Math.min(5, Math.ceil(score * 50));
  return "▮".repeat(full) + "▯".repeat(5 - full);
}

function round(value: number, digits: number): number;
function round(value: number | null, digits: number): number | null;
function round(value: number | null, digits: number): number | null {
  return value === null ? null : Number(value.toFixed(digits));
}
