import type { Command } from "commander";

/** Has a command, and those below it, say wrong usage as one sentence, and end as an error and not the process. */
export function explainUsage(command: Command): Command {
  command.exitOverride();
  command.option("--debug", "show where an error comes from");
  command.configureOutput({
    outputError: (text, write) => write(`${usageSentence(text)}; see: ${pathOf(command)} --help\n`),
  });
  command.commands.forEach(explainUsage);
  return command;
}

/** The reader's words for wrong usage, as one sentence in ours. */
export function usageSentence(text: string): string {
  const words = text.replace(/^error: /, "").trim().replace(/\s*\n\s*/g, " ").replace(/\.$/, "")
    .replace(
      /^(?:option|command-argument value) '(.+?)' argument '(.*)' is invalid\. (.)/,
      (_, option, value, first) => `option ${option} cannot be '${value}': ${first.toLowerCase()}`,
    )
    .replace(
      /^too many arguments for '(.+)'\. Expected (\d+) arguments? but got (\d+)/,
      (_, name, wanted, got) => `too many arguments for ${name}: expected ${wanted}, got ${got}`,
    )
    .replace(" (Did you mean", " (did you mean");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** As it is typed: `millrace shm read`. */
function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();
}
