import { assertEquals } from "@std/assert";
import { HEADER, HEADER_BYTES, LAYOUT_VERSION, MAGIC, SLOT, SLOT_BYTES } from "../../src/ring/layout.ts";

/** Lines such as `       16    u64  creator  bytes of the ring` of the text at the top of the header. */
async function described(): Promise<{ header: Map<number, string>; slot: Map<number, string> }> {
  const source = await Deno.readTextFile(new URL("../../ffi/millrace.h", import.meta.url));
  const text = source.slice(0, source.indexOf("THE RULES OF EVERY FUNCTION"));
  const [header, slot] = text.split(/slot descriptors, 128 bytes each/);
  const fields = (part: string) =>
    new Map(
      [...part.matchAll(/^ \* {2,}(\d+) {2,}(u32|u64|i64|f64|4 x)(?= )/gm)].map(([, at, width]) => [Number(at), width]),
    );
  return { header: fields(header), slot: fields(slot) };
}

/** Offsets and widths as the comments of layout.ts and its constants have them. */
async function declared(name: "HEADER" | "SLOT", offsets: Record<string, number>): Promise<Map<number, string>> {
  const source = await Deno.readTextFile(new URL("../../src/ring/layout.ts", import.meta.url));
  const table = source.slice(source.indexOf(`export const ${name} = {`));
  return new Map(
    Object.entries(offsets).map(([field, offset]) => {
      const width = table.match(new RegExp(`\\b${field}: ${offset}, // (u32|u64|i64|f64|4 x)`))?.[1];
      return [offset, width ?? `no width beside ${field}`];
    }),
  );
}

Deno.test("layout.ts has the fields that millrace.h describes, at their offsets and of their widths", async () => {
  const text = await described();
  assertEquals(text.header.size, 19);
  assertEquals(text.slot.size, 17);
  assertEquals(text.header, await declared("HEADER", HEADER));
  assertEquals(text.slot, await declared("SLOT", SLOT));
});

Deno.test("layout.ts has the magic, the version and the sizes that millrace.h describes", async () => {
  const source = await Deno.readTextFile(new URL("../../ffi/millrace.h", import.meta.url));
  assertEquals(source.match(/magic, the bytes "(\w+)"/)?.[1], MAGIC);
  assertEquals(source.match(/version of this layout: (\d+)/)?.[1], String(LAYOUT_VERSION));
  assertEquals(source.match(/bytes of this header: (\d+)/)?.[1], String(HEADER_BYTES));
  assertEquals(source.match(/bytes of a slot descriptor: (\d+)/)?.[1], String(SLOT_BYTES));
});
