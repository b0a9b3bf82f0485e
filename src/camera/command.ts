import { Command, InvalidArgumentError, Option } from "commander";
import type { ServerScheme } from "../rtsp/mod.ts";
import { makeClip } from "./clip.ts";
import type { Faults } from "./faults.ts";
import { VirtualCamera } from "./virtual_camera.ts";

interface CameraFlags {
  host: string;
  port: number;
  user?: string;
  password?: string;
  scheme: "digest" | "sha-256" | "md5" | "basic";
  transport: "both" | "udp" | "tcp";
  drop?: number;
  reorder?: number;
  duplicate?: number;
  stall?: Faults["stall"];
  reboot?: Faults["reboot"];
  garbage?: number;
  clockOffset?: number;
  seed: number;
  count: number;
  seconds?: number;
}

const SCHEMES: Record<CameraFlags["scheme"], readonly ServerScheme[]> = {
  digest: ["SHA-256", "MD5"],
  "sha-256": ["SHA-256"],
  md5: ["MD5"],
  basic: ["Basic"],
};

function number(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) throw new InvalidArgumentError("expected a number");
  return value;
}

function positive(text: string): number {
  const value = number(text);
  if (value <= 0 || value > 1_000_000) throw new InvalidArgumentError("expected a number above 0, 1000000 at most");
  return value;
}

function integer(from: number, to = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = number(text);
    if (Number.isInteger(value) && value >= from && value <= to) return value;
    throw new InvalidArgumentError(`expected an integer from ${from}${to < 1e6 ? ` to ${to}` : ""}`);
  };
}

function share(text: string): number {
  const value = number(text.replace(/%$/, "")) / (text.endsWith("%") ? 100 : 1);
  if (value < 0 || value > 1) throw new InvalidArgumentError("expected a share from 0 to 1, or a percentage");
  return value;
}

function times(text: string): { every: number; for: number } {
  const match = /^(\d+(?:\.\d+)?)\/(\d+(?:\.\d+)?)$/.exec(text);
  if (!match) throw new InvalidArgumentError("expected EVERY/FOR in seconds, such as 30/5");
  return { every: Number(match[1]), for: Number(match[2]) };
}

/** The command `millrace camera`. */
export function cameraCommand(options: { cacheDir: () => string }): Command {
  return new Command("camera")
    .description("play files as a camera would: an RTSP server, in real time, in a loop")
    .argument("[file...]", "files (.mp4, .h264, .h265, .mjpeg); without one, a picture with a running clock")
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("--port <number>", "port to listen on, 0 for any free one", integer(0, 65_535), 0)
    .option("--user <name>", "user name that clients must give")
    .option("--password <word>", "their password")
    .addOption(new Option("--scheme <name>", "how to ask for it").choices(Object.keys(SCHEMES)).default("digest"))
    .addOption(new Option("--transport <name>", "what to offer").choices(["both", "udp", "tcp"]).default("both"))
    .option("--count <number>", "play each file under so many names", integer(1), 1)
    .option("--drop <share>", "leave packets out, such as 2%", share)
    .option("--reorder <share>", "let packets change places (UDP)", share)
    .option("--duplicate <share>", "send packets twice (UDP)", share)
    .option("--stall <every/for>", "stop sending every so often for so long, in seconds", times)
    .option("--reboot <every/for>", "go away every so often for so long, in seconds", times)
    .option("--garbage <number>", "put stray bytes into every so many pictures (TCP)", integer(0))
    .option("--clock-offset <ms>", "let the camera's clock be wrong by so much", number)
    .option("--seed <number>", "of the chance in all this", integer(0), 1)
    .option("--seconds <number>", "end by itself after so many seconds", positive)
    .addHelpText(
      "after",
      "\nExamples:\n  millrace camera street.mp4 --user admin --password secret\n  millrace camera --transport udp --drop 2%",
    )
    .action((files: string[], flags: CameraFlags) => run(files, flags, options.cacheDir));
}

async function run(files: string[], flags: CameraFlags, cacheDir: () => string): Promise<void> {
  const paths = files.length > 0 ? files : [await makeClip({ cacheDir: cacheDir() })];
  const named = namesOf(paths, { count: flags.count, name: files.length > 0 ? undefined : "clock" });
  const faults: Partial<Faults> = Object.fromEntries(
    Object.entries({
      drop: flags.drop,
      reorder: flags.reorder,
      duplicate: flags.duplicate,
      stall: flags.stall,
      reboot: flags.reboot,
      garbageEvery: flags.garbage,
      clockOffset: flags.clockOffset,
    }).filter(([, value]) => value !== undefined),
  );
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  Deno.addSignalListener("SIGINT", onSignal);
  Deno.addSignalListener("SIGTERM", onSignal);
  const timer = flags.seconds === undefined ? undefined : setTimeout(onSignal, flags.seconds * 1000);
  try {
    await using camera = await VirtualCamera.start({
      files: named,
      host: flags.host,
      port: flags.port,
      username: flags.user,
      password: flags.password,
      schemes: SCHEMES[flags.scheme],
      transports: flags.transport === "both" ? ["udp", "tcp"] : [flags.transport],
      faults,
      seed: flags.seed,
    });
    for (const url of camera.urls) console.log(url);
    if (Deno.stderr.isTerminal()) console.error("Playing; Ctrl-C ends it.");
    if (!stop.signal.aborted) await new Promise((resolve) => stop.signal.addEventListener("abort", resolve));
  } finally {
    clearTimeout(timer);
    Deno.removeSignalListener("SIGINT", onSignal);
    Deno.removeSignalListener("SIGTERM", onSignal);
  }
}

/** What each stream is called: as its file, and with a number where there are several of that name. */
function namesOf(paths: readonly string[], options: { count: number; name?: string }): Record<string, string> {
  const named: Record<string, string> = {};
  for (const path of paths) {
    const name = options.name ?? (path.split("/").at(-1)!.replace(/(.)\.[^.]*$/, "$1") || "stream");
    for (let i = 1; i <= options.count; i++) {
      let number = i;
      const full = () => options.count > 1 || number > i ? `${name}-${number}` : name;
      while (Object.hasOwn(named, full())) number++;
      named[full()] = path;
    }
  }
  return named;
}
