// Pure: no I/O.
import { h264Parameters, HevcPictureOrder, PictureOrder, type PicturePlace } from "../rtp/mod.ts";

/**
 * For each access unit of a raw stream, in the order of decoding, how many pictures are shown before it.
 *
 * @throws {TypeError} where the pictures may be out of order, and the stream does not say so in a way that is known here.
 */
export function presentationOrder(units: readonly Uint8Array[], codec: "h264" | "hevc", name: string): number[] {
  if (codec === "hevc") {
    const order = new HevcPictureOrder();
    return sorted(units.map((unit) => order.next(unit)));
  }
  const order = new PictureOrder();
  const places = units.map((unit) => order.next(unit));
  if (!order.unread) return sorted(places);
  if (units.every((unit) => (h264Parameters(unit)?.maxReorder ?? 0) === 0)) return units.map((_, i) => i);
  throw new TypeError(
    `Cannot play ${name}: a raw stream whose pictures tell their order in a rare way; put it into an MP4 file`,
  );
}

function sorted(read: readonly (PicturePlace | null)[]): number[] {
  let last: PicturePlace = { group: -1, order: 0 };
  // What is damaged, or comes before the first parameter sets, stands where it was decoded.
  const places = read.map((place) => last = place ?? { group: last.group, order: last.order + 0.5 });
  const order = places.map((_, i) => i)
    .sort((a, b) => places[a].group - places[b].group || places[a].order - places[b].order);
  const shown = new Array<number>(places.length);
  order.forEach((unit, i) => shown[unit] = i);
  return shown;
}
