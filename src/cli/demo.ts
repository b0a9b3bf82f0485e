import { Command, Option } from "commander";
import type { TransportPolicy } from "../rtsp/mod.ts";
import { seconds } from "./arguments.ts";
import { CAMERA_SOURCE, cameraSource } from "./camera_source.ts";

interface DemoFlags {
  camera?: string[];
  user?: string;
  password?: string;
  transport?: TransportPolicy;
  seconds?: number;
  json?: boolean;
}

/** `millrace demo` */
export function demo(): Command {
  return new Command("demo")
    .description("cameras into another process and into an analysis without permissions, live")
    .option(
      "--camera <source>",
      `a real camera instead of two virtual ones: ${CAMERA_SOURCE}; may be given again`,
      another,
    )
    .option("--user <name>", "user name for the camera")
    .option("--password <word>", "password for the camera")
    .addOption(
      new Option("--transport <name>", "how the camera sends; the virtual ones are one of each")
        .choices(["auto", "udp", "tcp"]),
    )
    .option("--seconds <number>", "end by itself after so many seconds", seconds)
    .option("--json", "print the summary as one JSON object last, and the rest elsewhere")
    .addHelpText(
      "after",
      "\nCtrl-C ends it in order, with the summary and exit code 0; a second one ends it at once.\n" +
        "Where none of the cameras can be opened, it says why of the first, and ends with exit code 1.\n" +
        "\nExamples:\n  millrace demo\n  millrace demo --seconds 20 --json\n" +
        "  millrace demo --camera rtsp://192.168.1.64/h264 --user admin --password 's3cr#t'",
    )
    .action(async (flags: DemoFlags) => {
      const { runDemo } = await import("./demo/run_demo.ts");
      const { camera: cameras = [], user: username, ...options } = flags;
      await runDemo({ cameras, username, ...options });
    });
}

function another(url: string, before: string[] = []): string[] {
  return [...before, cameraSource(url)];
}
