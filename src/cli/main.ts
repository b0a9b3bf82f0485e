import { Command, CommanderError } from "commander";
import { report } from "./errors.ts";
import { explainUsage } from "./usage.ts";

/** Loads the one command that was asked for, so that `--help` costs nothing. */
async function commandsFor(name: string | undefined): Promise<Command[]> {
  const all: Record<string, () => Promise<Command>> = {
    camera: async () => (await import("./camera.ts")).camera(),
    probe: async () => (await import("./probe.ts")).probe(),
    discover: async () => (await import("./discover.ts")).discover(),
    serve: async () => (await import("./serve.ts")).serve(),
    decode: async () => (await import("./decode.ts")).decode(),
    shm: async () => (await import("./shm.ts")).shm(),
    demo: async () => (await import("./demo.ts")).demo(),
  };
  if (name !== undefined && Object.hasOwn(all, name)) return [await all[name]()];
  return await Promise.all(Object.values(all).map((load) => load()));
}

async function main(args: string[]): Promise<number> {
  const program = new Command("millrace")
    .description("IP cameras into frames that code can trust")
    .version("0.1.0")
    .addHelpText(
      "after",
      "\nExamples:\n  millrace demo\n  millrace camera --user admin --password secret\n" +
        "  millrace probe rtsp://192.168.1.64/h264 --user admin --password secret\n\n" +
        "Exit codes: 0, 1 where something failed, 2 where the command line was wrong.",
    );
  const name = args.find((arg) => !arg.startsWith("-"));
  for (const command of await commandsFor(name)) program.addCommand(command);
  explainUsage(program);
  try {
    if (args.length === 0) program.help();
    await program.parseAsync(args, { from: "user" });
    return 0;
  } catch (error) {
    // No failure where somebody asked for help; all else is wrong usage.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    return report(error, { debug: args.includes("--debug") });
  }
}

Deno.exit(await main(Deno.args));
