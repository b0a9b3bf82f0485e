// Pure: no I/O.

/** Quantisation for luma and chroma, row after row. @see ITU-T T.81, tables K.1 and K.2 */
const LUMA = [
  ...[16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56],
  ...[14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92],
  ...[49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99],
];
const CHROMA = [
  ...[17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99],
  ...[47, 66, 99, 99, 99, 99, 99, 99, ...new Array(32).fill(99)],
];

/** The 64 places of a block in the order in which they are coded. @see ITU-T T.81, figure A.6 */
const ZIGZAG = (() => {
  const order: number[] = [];
  for (let diagonal = 0; diagonal < 15; diagonal++) {
    const places: number[] = [];
    for (let row = Math.max(0, diagonal - 7); row <= Math.min(7, diagonal); row++) {
      places.push(row * 8 + diagonal - row);
    }
    // Odd diagonals go down, even ones up.
    order.push(...(diagonal % 2 === 1 ? places : places.reverse()));
  }
  return order;
})();

/** The two quantisation tables of a quality from 1 to 99, as they go into a file: 128 bytes. @see RFC 2435, 4.2 and appendix A */
export function quantisationTables(quality: number): Uint8Array<ArrayBuffer> {
  const factor = quality < 50 ? Math.floor(5000 / quality) : 200 - quality * 2;
  const tables = new Uint8Array(128);
  [LUMA, CHROMA].forEach((table, i) =>
    ZIGZAG.forEach((place, at) => {
      tables[i * 64 + at] = Math.min(255, Math.max(1, Math.floor((table[place] * factor + 50) / 100)));
    })
  );
  return tables;
}

/** The segments of the Huffman tables that every stream uses, markers included. @see ITU-T T.81, K.3.3 */
export const HUFFMAN_SEGMENTS: Uint8Array<ArrayBuffer> = (() => {
  const dc = range(0, 11);
  const lumaHead = hex("0102030004110512213141061351610722711432 8191a1082342b1c11552d1f02433627282");
  const chromaHead = hex("0001020311040521310612415107617113223281081442 91a1b1c109233352f0156272d10a162434e125f1");
  const luma = [...lumaHead, 0x09, 0x0a, ...range(0x16, 0x1a), ...range(0x25, 0x2a), ...rows(0x34, 0x83)];
  const chroma = [...chromaHead, ...range(0x17, 0x1a), ...range(0x26, 0x2a), ...rows(0x35, 0x82)];
  const lumaTail = [...rows(0x92, 0xd2), ...range(0xe1, 0xea), ...range(0xf1, 0xfa)];
  const chromaTail = rows(0x92, 0xf2);
  return new Uint8Array([
    ...segment(0x00, [0, 1, 5, 1, 1, 1, 1, 1, 1], dc),
    ...segment(0x10, [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7d], [...luma, ...lumaTail]),
    ...segment(0x01, [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1], dc),
    ...segment(0x11, [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77], [...chroma, ...chromaTail]),
  ]);
})();

/** One segment: how many codes there are of each length, and their values. */
function segment(id: number, lengths: number[], values: number[]): number[] {
  const counts = Array.from({ length: 16 }, (_, i) => lengths[i] ?? 0);
  const bytes = 2 + 17 + values.length;
  return [0xff, 0xc4, bytes >> 8, bytes & 0xff, id, ...counts, ...values];
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

/** Values from the first row's to the last row's, each row up to its tenth; all but the first begin where the last does. */
function rows(first: number, last: number): number[] {
  const values: number[] = [];
  for (let row = first >> 4; row <= last >> 4; row++) {
    const begin = row === first >> 4 ? first & 15 : row < 8 ? 3 : last & 15;
    values.push(...range(row << 4 | begin, row << 4 | 10));
  }
  return values;
}

function hex(text: string): number[] {
  return [...Uint8Array.fromHex(text.replaceAll(" ", ""))];
}
