import { assertEquals, assertMatch } from "@std/assert";
import { connectError } from "./connect_error.ts";
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
