import { Command, Option } from "commander";
import type { OpenRtspOptions, RtspCamera } from "../ingest/mod.ts";
import { RtspError } from "../media/mod.ts";
import { sleep } from "../media/sleep.ts";
import type { TransportPolicy } from "../rtsp/mod.ts";
import { type JoinAt, type RtspServer, serveRtsp } from "../serve/mod.ts";
import { count, port, seconds } from "./arguments.ts";
import { CAMERA_SOURCE, cameraSource, openSource } from "./camera_source.ts";
import { sentenceOf, UsageError } from "./errors.ts";
import { print } from "./print.ts";

interface ServeFlags {
  host: string;
  port: number;
  user?: string;
  password?: string;
  transport: "both" | "udp" | "tcp";
  joinAt: JoinAt;
  maxClients: number;
  cameraUser?: string;
  cameraPassword?: string;
  cameraTransport: TransportPolicy;
  sound: boolean;
  seconds?: number;
}

/** A camera of the command line. */
interface NamedCamera {
  name: string;
  url: string;
}

/** Between two attempts to open a camera that was never live, in milliseconds. */
const AGAIN = 5_000;
/** Failures that another attempt does not mend, and that may lock the user out. */
const FINAL = new Set<string>(["unauthorized", "permission", "codec", "no-video"]);

/** `millrace serve` */
export function serve(): Command {
  return new Command("serve").description("pass cameras on to any number of clients, with one session to each camera")
    .argument("<camera...>", `each ${CAMERA_SOURCE}; or NAME=rtsp://…: one without a name is camera-1, camera-2, …`)
    .option("--host <address>", "address to listen on; 0.0.0.0 for all", "127.0.0.1")
    .option("--port <number>", "port to listen on, 0 for any free one", port, 8554)
    .option("--user <name>", "user name that clients must give")
    .option("--password <word>", "their password")
    .addOption(new Option("--transport <name>", "what to offer").choices(["both", "udp", "tcp"]).default("both"))
    .addOption(
      new Option("--join-at <where>", "where a client's pictures begin; with the last keyframe at once, and late")
        .choices(["next-keyframe", "last-keyframe"]).default("next-keyframe"),
    )
    .option("--max-clients <number>", "connections at once", count, 256)
    .option("--camera-user <name>", "user name for the cameras")
    .option("--camera-password <word>", "password for the cameras; any character")
    .addOption(
      new Option("--camera-transport <name>", "how the cameras send").choices(["auto", "udp", "tcp"]).default("auto"),
    )
    .option("--no-sound", "the pictures alone")
    .option("--seconds <number>", "end by itself after so many seconds", seconds)
    .addHelpText(
      "after",
      "\nExamples:\n  millrace serve rtsp://192.168.1.64/h264 --camera-user admin --camera-password 's3cr#t'\n" +
        "  millrace serve entrance=rtsp://cam-1.local/ yard=rtsp://cam-2.local/ --host 0.0.0.0 --user viewer --password pw",
    )
    .action(run);
}

async function run(words: string[], flags: ServeFlags): Promise<void> {
  const cameras = named(words);
  if (flags.password !== undefined && flags.user === undefined) throw new UsageError("Give --user with --password");
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  Deno.addSignalListener("SIGINT", onSignal);
  Deno.addSignalListener("SIGTERM", onSignal);
  const timer = flags.seconds === undefined ? undefined : setTimeout(onSignal, flags.seconds * 1000);
  try {
    await using server = await serveRtsp({
      host: flags.host,
      port: flags.port,
      username: flags.user,
      password: flags.password,
      transports: flags.transport === "both" ? ["udp", "tcp"] : [flags.transport],
      joinAt: flags.joinAt,
      maxClients: flags.maxClients,
      onWarning: ({ message }) => console.error(message),
    });
    const options = {
      tellAll: cameras.length > 1,
      username: flags.cameraUser,
      password: flags.cameraPassword,
      transport: flags.cameraTransport,
      beside: flags.sound ? ["audio"] as const : [],
      signal: stop.signal,
    };
    const stopped = server.ended.then((error) => {
      stop.abort();
      if (error) throw error;
    });
    const outcomes = await Promise.all(cameras.map((camera) => keepServing(server, camera, options)));
    // One camera that cannot be had does not end the others; where none is left there is nothing to do.
    const failure = outcomes.find((error) => error !== null);
    if (failure && !stop.signal.aborted) throw cameras.length === 1 ? advised(failure) : new UnservedError();
    await server[Symbol.asyncDispose]();
    await stopped;
  } finally {
    clearTimeout(timer);
    Deno.removeSignalListener("SIGINT", onSignal);
    Deno.removeSignalListener("SIGTERM", onSignal);
  }
}

/** Gives each camera the name that its clients ask for. */
function named(words: readonly string[]): NamedCamera[] {
  const taken = new Set<string>();
  return words.map((word, i) => {
    const [, name = `camera-${i + 1}`, url] = /^(?:([\w.-]+)=)?(.*)$/s.exec(word)!;
    if (taken.has(name)) throw new UsageError(`There are two cameras of the name ${name}; give each its own`);
    taken.add(name);
    return { name, url: cameraSource(url) };
  });
}

/** None of several cameras can be had; why was said of each. */
class UnservedError extends RtspError {
  constructor() {
    super("closed", "There is no camera left to serve");
  }
}

/** Here --user and --password are the clients'. */
function advised(error: Error): Error {
  if (!(error instanceof RtspError) || error.code !== "unauthorized") return error;
  const { code, status, method, message } = error;
  return new RtspError(code, `${message}; give --camera-user and --camera-password as the camera knows them`, {
    status,
    method,
  });
}

/** Passes a camera on until the program is to end, or the camera cannot be had: then says why. */
async function keepServing(
  server: RtspServer,
  { name, url }: NamedCamera,
  options: OpenRtspOptions & { tellAll: boolean },
): Promise<Error | null> {
  const signal = options.signal!;
  let said = "";
  const tell = (text: string) => {
    if (text !== said) console.error(`${name}: ${said = text}`);
  };
  while (!signal.aborted) {
    try {
      await using camera = await openSource(url, options);
      const served = server.add(name, camera.video, options.beside?.length ? { sound: camera.audio } : {});
      print(served.url);
      await followStates(camera, tell);
      const error = await camera.ended;
      if (error) throw error;
    } catch (error) {
      if (signal.aborted) break;
      const final = !(error instanceof RtspError) || FINAL.has(error.code);
      // What ends the program is said by whoever ends it.
      if (!final || options.tellAll) tell(sentenceOf(advised(error as Error)).sentence);
      if (final) return error as Error;
      await sleep(AGAIN, signal);
    }
  }
  return null;
}

/** Says when the camera goes, and when it is back. */
async function followStates(camera: RtspCamera, tell: (text: string) => void): Promise<void> {
  let away = false;
  for await (const { state, reason } of camera.states()) {
    if (state === "offline" && reason !== "closed") {
      away = true;
      tell(`offline: ${reason}`);
    } else if (state === "live" && away) {
      away = false;
      tell("live again");
    }
  }
}
