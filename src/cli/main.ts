import { Command, CommanderError } from "commander";
import { report } from "./errors.ts";

/** Loads the one command that was asked for, so that `--help` costs nothing. */
async function commandsFor(name: string | undefined): Promise<Command[]> {
  const all: Record<string, () => Promise<Command>> = {
    camera: async () => (await import("./camera.ts")).camera(),
    probe: async () => (await import("./probe.ts")).probe(),
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
    .option("--debug", "show where an error comes from")
    .exitOverride()
    .showHelpAfterError("(add --help for what it takes)");
  const name = args.find((arg) => !arg.startsWith("-"));
  for (const command of await commandsFor(name)) program.addCommand(inherit(command));
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

/** Wrong usage of a command ends as wrong usage of the program does. */
function inherit(command: Command): Command {
  command.exitOverride().showHelpAfterError("(add --help for what it takes)").option(
    "--debug",
    "show where an error comes from",
  );
  command.commands.forEach(inherit);
  return command;
}

Deno.exit(await main(Deno.args));
