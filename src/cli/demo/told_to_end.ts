/**
 * Resolves when the process that started this one wants it to end, or is gone. An interrupt of the terminal, which
 * reaches this process too, is left to that one: it still has things to end in order.
 */
export async function toldToEnd(): Promise<void> {
  Deno.addSignalListener("SIGINT", () => {});
  for await (const _ of Deno.stdin.readable);
}

/** Says something to the process that started this one. */
export function say(something: unknown): void {
  const line = new TextEncoder().encode(JSON.stringify(something) + "\n");
  for (let at = 0; at < line.length;) at += Deno.stdout.writeSync(line.subarray(at));
}
