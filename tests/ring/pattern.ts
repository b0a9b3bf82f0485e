/** The word that every word of record s is made of. */
const seed = (sequence: number) => Math.imul(sequence, 2_654_435_761);

/** Fills a payload with the pattern of a record: word i of record s is (s * 2654435761) ^ i. */
export function fillPattern(words: Uint32Array, sequence: number): void {
  const base = seed(sequence);
  for (let i = 0; i < words.length; i++) words[i] = base ^ i;
}

/** Whether a payload has the pattern of a record in every word. */
export function hasPattern(words: Uint32Array, sequence: number): boolean {
  const base = seed(sequence) >>> 0;
  for (let i = 0; i < words.length; i++) if (words[i] !== (base ^ i) >>> 0) return false;
  return true;
}
