import { assertEquals, assertMatch } from "@std/assert";
import { RtspError } from "../../src/media/mod.ts";
import { connectError, redirected } from "./connect_error.ts";
import { ERRNO } from "./native.ts";

const url = "rtsp://cam.local/h264";

Deno.test("connectError() says what to do about each way a connection fails", () => {
  for (
    const [errno, code, says] of [
      [ERRNO.ECONNREFUSED, "refused", /nothing listens on port 554 of cam.local; check the port/],
      [ERRNO.EHOSTUNREACH, "unreachable", /no way to cam.local; check the address/],
      [ERRNO.ENETUNREACH, "unreachable", /no way to cam.local/],
      [ERRNO.ETIMEDOUT, "timeout", /nothing answers at cam.local/],
      [0, "closed", /closed the connection at once/],
      [ERRNO.ECONNRESET, "closed", /^Cannot open rtsp:\/\/cam.local\/h264: ./],
    ] as const
  ) {
    const error = connectError(url, errno);
    assertEquals(error.code, code);
    assertMatch(error.message, says);
  }
});

Deno.test("redirected() follows a camera within its own host alone, and not for ever", () => {
  assertEquals(redirected({ url }, url, "rtsp://cam.local/main", 1), "rtsp://cam.local/main");
  const elsewhere = redirected({ url }, url, "rtsp://192.0.2.9/main", 1) as RtspError;
  assertMatch(elsewhere.message, /redirects to rtsp:\/\/192.0.2.9\/main; open that address instead/);
  assertEquals((redirected({ url }, url, "rtsp://cam.local/main", 4) as RtspError).code, "protocol");
});
