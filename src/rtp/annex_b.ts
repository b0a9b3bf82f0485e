// Pure: no I/O.

/**
 * Calls `visit` with the bounds of each NAL unit of an Annex B stream, without start codes and without the zero bytes
 * that may trail a unit. What lies before the first start code belongs to none.
 *
 * @see H.264, annex B
 */
export function splitAnnexB(
  data: Uint8Array,
  visit: (start: number, end: number) => void,
  from = 0,
  to = data.length,
): void {
  let code = findStartCode(data, from, to);
  while (code < to) {
    const start = code + 3;
    code = findStartCode(data, start, to);
    let end = code;
    while (end > start && data[end - 1] === 0) end--;
    if (end > start) visit(start, end);
  }
}

/** Where the next `00 00 01` begins in `data[from..to)`; `to` where there is none. */
export function findStartCode(data: Uint8Array, from: number, to: number): number {
  // The third byte decides how far to go on: three bytes where it is above 1.
  let at = from + 2;
  while (at < to) {
    const byte = data[at];
    if (byte > 1) at += 3;
    else if (byte === 1 && data[at - 1] === 0 && data[at - 2] === 0) return at - 2;
    else at += 1;
  }
  return to;
}

/** Bytes of the start code that `data[from..to)` begins with: 3, 4 or more with leading zeros, 0 where with none. */
export function startCodeBytes(data: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && data[at] === 0) at++;
  return at < to && data[at] === 1 && at - from >= 2 ? at - from + 1 : 0;
}

/** Joins NAL units into an Annex B stream with four-byte start codes. */
export function joinAnnexB(units: Iterable<Uint8Array>): Uint8Array<ArrayBuffer> {
  const list = [...units];
  const out = new Uint8Array(list.reduce((sum, unit) => sum + 4 + unit.length, 0));
  let at = 0;
  for (const unit of list) {
    out[at + 3] = 1;
    out.set(unit, at + 4);
    at += 4 + unit.length;
  }
  return out;
}
