// Pure: no I/O.

/** The words of the peer's pattern: those of frame `sequence`. */
export function fill(bytes: Uint8Array, sequence: number): Uint8Array {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
  const seed = Math.imul(sequence, 2_654_435_761);
  for (let i = 0; i < words.length; i++) words[i] = seed ^ i;
  return bytes;
}

/** The frame that some bytes are, or -1 where they are of more than one. */
export function sequenceOf(bytes: Uint8Array): number {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
  const seed = words[0] | 0;
  for (let i = 1; i < words.length; i++) if ((words[i] | 0) !== (seed ^ i)) return -1;
  return Math.imul(seed, 244_002_641) >>> 0;
}

export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
