import { assertEquals, assertThrows } from "@std/assert";
import * as fc from "fast-check";
import { decodeAddress, encodeAddress } from "./address.ts";
import { ADDRESS_BYTES, cString } from "./symbols.ts";
import { nativeTest } from "./testing.ts";

Deno.test("encodeAddress() lays out IPv4 and IPv6 as the header says", () => {
  assertEquals(
    [...encodeAddress({ hostname: "192.0.2.1", port: 0x1234 }).subarray(0, 14)],
    [4, 0, 0x34, 0x12, 0, 0, 0, 0, 192, 0, 2, 1, 0, 0],
  );
  assertEquals(
    [...encodeAddress({ hostname: "fe80::1:2", port: 554, scope: 3 })],
    [6, 0, 0x2a, 2, 3, 0, 0, 0, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2],
  );
  assertEquals(
    encodeAddress({ hostname: "::ffff:10.0.0.1", port: 0 }).subarray(18),
    new Uint8Array([255, 255, 10, 0, 0, 1]),
  );
});

Deno.test("encodeAddress() refuses what is no address", () => {
  for (
    const hostname of [
      "",
      "cam.local",
      "1.2.3",
      "1.2.3.256",
      ":::",
      "1::2::3",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9",
      "1:2:3:4:5:6:7::8",
      "12345::",
      "g::",
      "::1.2.3.400",
      "[::1]",
    ]
  ) {
    assertThrows(() => encodeAddress({ hostname, port: 1 }), SyntaxError, "Cannot use address");
  }
  for (const port of [-1, 65536, 1.5, NaN]) {
    assertThrows(() => encodeAddress({ hostname: "::", port }), RangeError, "Cannot use port");
  }
});

Deno.test("decodeAddress() shortens IPv6 as RFC 5952 does", () => {
  for (
    const [long, short] of [
      ["0:0:0:0:0:0:0:0", "::"],
      ["0:0:0:0:0:0:0:1", "::1"],
      ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
      ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
      ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
      ["FE80:0:0:0:0:0:0:0", "fe80::"],
    ]
  ) {
    assertEquals(decodeAddress(encodeAddress({ hostname: long, port: 0 }))?.hostname, short);
  }
  assertEquals(decodeAddress(new Uint8Array(ADDRESS_BYTES)), undefined);
});

nativeTest("encodeAddress() agrees with the system's own reading of every address", (library) => {
  const out = new Uint8Array(ADDRESS_BYTES);
  fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.integer({ min: 0, max: 65535 }), (hostname, port) => {
    assertEquals(library.mr_resolve(cString(hostname), port, 0, out, 1), 1);
    const bytes = encodeAddress({ hostname, port });
    assertEquals(bytes, out);
    assertEquals(encodeAddress(decodeAddress(bytes)!), bytes);
  }));
});
