// Pure: no I/O.
import { h264Parameters, PictureOrder } from "../rtp/mod.ts";

/**
 * For each access unit of a raw H.264 stream, in the order of decoding, how many pictures are shown before it.
 *
 * @throws {TypeError} where the pictures may be out of order, and the stream does not say so in a way that is known here.
 */
export function presentationOrder(units: readonly Uint8Array[], name: string): number[] {
  const order = new PictureOrder();
  let last = { group: -1, order: 0 };
  // What is damaged, or comes before the first parameter sets, stands where it was decoded.
  const places = units.map((unit) => last = order.next(unit) ?? { group: last.group, order: last.order + 0.5 });
  if (order.unread) {
    if (units.every((unit) => (h264Parameters(unit)?.maxReorder ?? 0) === 0)) return units.map((_, i) => i);
    throw new TypeError(
      `Cannot play ${name}: a raw stream whose pictures tell their order in a rare way; put it into an MP4 file`,
    );
  }
  const decoded = units.map((_, i) => i);
  const sorted = decoded.toSorted((a, b) => places[a].group - places[b].group || places[a].order - places[b].order);
  const shown = new Array<number>(units.length);
  sorted.forEach((unit, i) => shown[unit] = i);
  return shown;
}
