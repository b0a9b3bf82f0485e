import { HEADER, HEADER_BYTES, SLOT_BYTES } from "../src/ring/layout.ts";

/**
 * Where a writer was when it was killed, by the ring that it left: the steps are those of the layout at the top of
 * ffi/millrace.h. `ring` is the file with the ring's header and descriptors.
 */
export async function momentOf(ring: string): Promise<string> {
  using file = await Deno.open(ring).catch(() => null);
  if (!file) return "before-its-name";
  const head = new DataView(new ArrayBuffer(HEADER_BYTES));
  if (await file.read(new Uint8Array(head.buffer)) !== HEADER_BYTES) return "before-its-name";
  const slots = head.getUint32(HEADER.slots, true);
  const next = Number(head.getBigUint64(HEADER.head, true)), oldest = Number(head.getBigUint64(HEADER.oldest, true));
  if (next < slots) return "in-the-first-round";
  const slot = new DataView(new ArrayBuffer(8));
  await file.seek(HEADER_BYTES + next % slots * SLOT_BYTES, Deno.SeekMode.Start);
  await file.read(new Uint8Array(slot.buffer));
  const sequence = Number(slot.getBigUint64(0, true));
  if (sequence === next + 1) return "whole-not-counted.e-f";
  if (sequence === 0) return "in-the-payload.b-e";
  if (oldest > next - slots) return "oldest-raised.a-b";
  return head.getUint32(HEADER.signal, true) === next ? "between-records" : "counted-nobody-woken.f-g";
}
