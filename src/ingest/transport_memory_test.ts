import { assertEquals } from "@std/assert";
import { parseRtspUrl } from "../rtsp/mod.ts";
import { TransportMemory } from "./transport_memory.ts";

Deno.test("TransportMemory has the next camera of a host ask for TCP, until something changed there", () => {
  const memory = new TransportMemory();
  const camera = parseRtspUrl("rtsp://cam.local/1"), neighbour = parseRtspUrl("rtsp://cam.local:8554/1");
  assertEquals(memory.policyFor(camera, "auto"), "auto");
  memory.udpWasSilent(camera);
  assertEquals(memory.policyFor(parseRtspUrl("rtsp://CAM.local/2"), "auto"), "tcp");
  assertEquals([memory.policyFor(camera, "udp"), memory.policyFor(neighbour, "auto")], ["udp", "auto"]);
  memory.forget(camera);
  assertEquals(memory.policyFor(camera, "auto"), "auto");
});
