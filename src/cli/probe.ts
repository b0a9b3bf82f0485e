import { Command, Option } from "commander";
import type { TransportPolicy } from "../rtsp/mod.ts";
import { cameraAddress, seconds } from "./arguments.ts";
import { print as printLine } from "./print.ts";
import { type ProbedTrack, type ProbeReport, probeRtsp } from "../ingest/mod.ts";

interface ProbeFlags {
  user?: string;
  password?: string;
  transport: TransportPolicy;
  seconds: number;
  json?: boolean;
}

/** `millrace probe` */
export function probe(): Command {
  return new Command("probe").description("what a camera offers, and what is wrong with it")
    .argument("<url>", "an rtsp:// address, or an http:// address of FLV", cameraAddress)
    .option("--user <name>", "user name")
    .option("--password <word>", "password; any character")
    .addOption(new Option("--transport <name>", "how it sends").choices(["auto", "udp", "tcp"]).default("auto"))
    .option("--seconds <number>", "how long to look", seconds, 5)
    .option("--json", "one JSON object")
    .addHelpText(
      "after",
      "\nExamples:\n  millrace probe rtsp://192.168.1.64/h264 --user admin --password 's3cr#t'\n" +
        "  millrace probe rtsp://cam.local/h264 --transport udp --seconds 30",
    )
    .action(run);
}

async function run(url: string, flags: ProbeFlags): Promise<void> {
  const { user: username, password, transport } = flags;
  const report = await probeRtsp(url, { username, password, transport, seconds: flags.seconds });
  if (flags.json) printLine(JSON.stringify(report));
  else print(report);
}

function print(report: ProbeReport): void {
  const { video } = report;
  const unknown = "not known";
  printLine(report.url);
  const rows: [string, string][] = [
    ["tracks", report.tracks.map(nameOf).join(", ")],
    ["video", `${`${video.codec} ${video.codecString}`.trim()}, ${video.width}x${video.height}`],
    [
      "frame rate",
      `${video.frameRate.toFixed(2)} a second${video.announcedRate > 0 ? `, announced ${video.announcedRate}` : ""}`,
    ],
    ["bit rate", `${(video.bitRate / 1e6).toFixed(2)} Mb/s`],
    ...report.tracks.filter(({ as }) => as === "audio" || as === "data").map(rowOf),
    [
      "keyframes",
      video.gopFrames > 0
        ? `every ${video.gopFrames} frames, ${video.gopSeconds.toFixed(1)} s`
        : `fewer than two in ${report.seconds} s`,
    ],
    [
      "transport",
      `${report.transport ?? unknown}${
        report.receiveBuffer > 0 ? `, receive buffer ${report.receiveBuffer} bytes` : ""
      }`,
    ],
    ["packets", `${report.packets.received}, lost ${report.packets.lost}, out of order ${report.packets.reordered}`],
    ["longest pause", `${report.longestPause.toFixed(2)} s between two pictures`],
    ["jitter", `${report.packets.jitter.toFixed(1)} ms`],
    [
      "clock",
      report.clockOffset === null
        ? "no sender report"
        : `${report.clockOffset >= 0 ? "+" : ""}${Math.round(report.clockOffset) || 0} ms against this machine's`,
    ],
    ["first picture", `after ${report.firstPicture.toFixed(0)} ms`],
  ];
  for (const [name, value] of rows) printLine(`  ${name.padEnd(14)} ${value}`);
  printLine(report.findings.length === 0 ? "Nothing is wrong." : "What is wrong, or might be:");
  for (const finding of report.findings) printLine(`  - ${finding}`);
}

function nameOf({ kind, encoding, as }: ProbedTrack): string {
  return `${kind} ${encoding || "?"}${as === "video" ? " (decoded)" : ""}`;
}

function rowOf({ as, encoding, sampleRate, channels, unitRate, bitRate, refused }: ProbedTrack): [string, string] {
  const name = as === "audio" ? "sound" : "data";
  const format = sampleRate > 0 ? `, ${sampleRate} Hz, ${channels === 1 ? "1 channel" : `${channels} channels`}` : "";
  const rate = `${unitRate.toFixed(1)} units a second, ${(bitRate / 1e3).toFixed(1)} kb/s`;
  return [name, `${encoding || "?"}${format}: ${refused || rate}`];
}
