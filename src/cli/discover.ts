import { Command } from "commander";
import { OnvifError } from "../media/mod.ts";
import { discoverCameras, type DiscoveredCamera, type OnvifDevice, onvifStreams } from "../onvif/mod.ts";
import { redactUrl } from "../rtsp/mod.ts";
import { seconds } from "./arguments.ts";
import { tableOf } from "./demo/live_table.ts";
import { sentenceOf, UsageError } from "./errors.ts";
import { print } from "./print.ts";

interface DiscoverFlags {
  user?: string;
  password?: string;
  seconds: number;
  json?: boolean;
}

/** `millrace discover` */
export function discover(): Command {
  return new Command("discover").description("ONVIF cameras of the local networks; of those named, their streams")
    .argument("[camera...]", "hosts, or addresses of device services: asked for their streams")
    .option("--user <name>", "user name for the cameras that are named")
    .option("--password <word>", "their password; it is sent as a digest, never readably")
    .option("--seconds <number>", "how long to wait for answers", seconds, 3)
    .option("--json", "one JSON object a line; the streams' addresses as the camera says them")
    .addHelpText(
      "after",
      "\nNothing but the question is sent to cameras that are not named: what answers may be anything.\n" +
        "\nExamples:\n  millrace discover\n  millrace discover 192.168.1.64 --user admin --password 's3cr#t'",
    )
    .action(run);
}

async function run(cameras: string[], flags: DiscoverFlags): Promise<void> {
  if (flags.password !== undefined && flags.user === undefined) throw new UsageError("Give --user with --password");
  if (cameras.length > 0) return await askNamed(cameras, flags);
  if (flags.user !== undefined) throw new UsageError("Name the cameras that --user is for");
  const found = await discoverCameras({ timeout: flags.seconds * 1000 });
  if (flags.json) return found.forEach((camera) => print(JSON.stringify(camera)));
  if (found.length === 0) {
    return console.error("No camera answered; one in another network can be asked by its address");
  }
  const rows = found.map(({ addresses, name, hardware, location }: DiscoveredCamera) => [
    addresses[0],
    name,
    hardware,
    location,
  ]);
  for (const line of tableOf(["ADDRESS", "NAME", "HARDWARE", "LOCATION"], rows)) print(line);
}

async function askNamed(cameras: readonly string[], flags: DiscoverFlags): Promise<void> {
  const { user: username, password } = flags;
  const outcomes = await Promise.allSettled(
    cameras.map((camera) => onvifStreams(camera, { username, password, timeout: Math.max(10, flags.seconds) * 1000 })),
  );
  const failures: unknown[] = [];
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") failures.push(outcome.reason);
    else if (flags.json) print(JSON.stringify(outcome.value));
    else printDevice(outcome.value);
  }
  if (cameras.length === 1 && failures.length > 0) throw failures[0];
  for (const failure of failures) console.error(sentenceOf(failure).sentence);
  if (failures.length > 0) {
    throw new OnvifError("fault", `${failures.length} of ${cameras.length} cameras did not say what they have`);
  }
}

function printDevice({ url, manufacturer, model, clockOffset, streams }: OnvifDevice): void {
  print(`${url}  ${[manufacturer, model].filter((word) => word !== "").join(" ")}`.trimEnd());
  if (clockOffset !== null && Math.abs(clockOffset) > 2_000) {
    const by = Math.round(Math.abs(clockOffset) / 1000);
    print(`  its clock is ${by} s ${clockOffset > 0 ? "ahead of" : "behind"} this machine's`);
  }
  const rows = streams.map(({ name, encoding, width, height, frameRate, url }) => [
    `  ${name}`,
    encoding,
    width > 0 ? `${width}x${height}` : "",
    frameRate > 0 ? `${frameRate} a second` : "",
    redactUrl(url),
  ]);
  if (rows.length === 0) print("  it offers no video");
  else for (const line of tableOf(["  STREAM", "CODEC", "SIZE", "RATE", "ADDRESS"], rows)) print(line);
}
