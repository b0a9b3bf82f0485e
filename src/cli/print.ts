const encoder = new TextEncoder();

/**
 * Prints a line on standard output. Other than console.log() it tells when nobody reads it any more.
 *
 * @throws {Deno.errors.BrokenPipe} where the other end is closed, as `head` does.
 */
export function print(line: string): void {
  printBytes(encoder.encode(line + "\n"));
}

/** @throws {Deno.errors.BrokenPipe} where the other end is closed. */
export function printBytes(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}
