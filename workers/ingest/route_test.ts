import { assert, assertEquals } from "@std/assert";
import { encodeAddress } from "../../ffi/address.ts";
import { RtspError } from "../../src/media/mod.ts";
import { Route } from "./route.ts";

const home = encodeAddress({ hostname: "10.0.0.1", port: 554 });
const other = encodeAddress({ hostname: "10.0.0.2", port: 554 });

Deno.test("Route.redirect() follows within the host, leaves other hosts to who may reach them, and not for ever", () => {
  const route = new Route("rtsp://cam/live", home);
  assertEquals([route.redirect("rtsp://cam/two"), route.url], ["here", "rtsp://cam/two"]);
  assertEquals([route.redirect("rtsp://other/two"), route.url], ["elsewhere", "rtsp://cam/two"]);
  route.arrive("rtsp://other/two", other);
  assertEquals([route.url, route.address, route.isAway], ["rtsp://other/two", other, true]);
  route.redirect("rtsp://other/three");
  const error = route.redirect("rtsp://other/four");
  assert(error instanceof RtspError && error.message.endsWith("again and again"));
  route.goHome();
  assertEquals([route.url, route.address, route.isAway], ["rtsp://cam/live", home, false]);
});

Deno.test("Route.redirect() takes another port, and TLS, for another host", () => {
  const route = new Route("rtsp://cam/live", home);
  assertEquals(route.redirect("rtsp://cam:8554/live"), "elsewhere");
  assertEquals(route.redirect("rtsps://cam:554/live"), "elsewhere");
});
