/** Reads a message of `tests/testdata`. */
export function fixture(name: string): Uint8Array<ArrayBuffer> {
  return Deno.readFileSync(new URL(`../../tests/testdata/${name}.txt`, import.meta.url));
}

/** Random bytes that are the same each time. */
export function notRandom(into: Uint8Array<ArrayBuffer>): void {
  into.forEach((_, i) => into[i] = i);
}

export const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
export const bytes = (words: string) => new TextEncoder().encode(words);
