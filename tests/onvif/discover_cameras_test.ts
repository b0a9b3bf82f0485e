import { assert, assertEquals, assertRejects } from "@std/assert";
import { discoverCameras, type DiscoveredCamera, type Warning } from "../../mod.ts";
import { parseXml } from "../../src/onvif/xml.ts";
import { probeMatch, startProbeListener } from "../support/onvif_device.ts";

const FROM = ["127.0.0.1"];

Deno.test("discoverCameras() finds each camera once, and what it says of itself", async () => {
  await using listener = startProbeListener((probe) => [
    probeMatch(probe, {
      id: "urn:uuid:a",
      addresses: "http://192.0.2.9/onvif/device_service http://127.0.0.1:8080/onvif/device_service ftp://no/",
      scopes:
        "onvif://www.onvif.org/name/Front%20Door onvif://www.onvif.org/hardware/X_1%1b[2J onvif://www.onvif.org/location/%zz",
    }),
    probeMatch(probe, { id: "urn:uuid:b" }),
  ]);
  const heard: DiscoveredCamera[] = [];
  const found = await discoverCameras({
    ...{ timeout: 700, from: FROM, at: listener.at },
    onCamera: (camera) => heard.push(camera),
  });
  assertEquals(found.map(({ id }) => id), ["urn:uuid:a", "urn:uuid:b"]);
  const [{ addresses, name, hardware, location, types, from }] = found;
  // The one that it answered from comes first.
  assertEquals(addresses, ["http://127.0.0.1:8080/onvif/device_service", "http://192.0.2.9/onvif/device_service"]);
  assertEquals([name, hardware, location, from], ["Front Door", "X 1[2J", "%zz", "127.0.0.1"]);
  assertEquals(types, ["NetworkVideoTransmitter", "Device"]);
  assertEquals(heard, found);
});

Deno.test("discoverCameras() asks the group, in the network of the address that it is told", async () => {
  const member = Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: 3702, reuseAddress: true });
  const membership = await member.joinMulticastV4("239.255.255.250", FROM[0]);
  const answering = (async () => {
    for await (const [data, from] of member) {
      await member.send(new TextEncoder().encode(probeMatch(parseXml(new TextDecoder().decode(data)))), from);
    }
  })();
  const found = await discoverCameras({ timeout: 700, from: FROM });
  await membership.leave();
  member.close();
  await answering;
  assert(found.some(({ id, from }) => id === "urn:uuid:1" && from === "127.0.0.1"));
});

Deno.test("answers that are none are counted, whatever they are; the cameras among them are found", async () => {
  const random = crypto.getRandomValues(new Uint8Array(1_000));
  await using listener = startProbeListener((probe) => [
    ...["", "<", "<a/>", "<a>".repeat(10_000), "<!DOCTYPE a><a/>", "\0", random],
    probeMatch(probe, { id: "urn:uuid:other", relatesTo: "urn:uuid:somebody-else" }),
    probeMatch(probe, { id: "urn:uuid:none", addresses: "" }),
    probeMatch(probe, { id: "urn:uuid:js", addresses: "javascript:alert(1) http:// file:///etc/passwd" }),
    probeMatch(probe, { id: "urn:uuid:many", addresses: "http://127.0.0.1/ ".repeat(500) }),
  ]);
  const warnings: Warning[] = [];
  const found = await discoverCameras({
    ...{ timeout: 700, from: FROM, at: listener.at },
    onWarning: (warning) => warnings.push(warning),
  });
  assertEquals(found.map(({ id, addresses }) => [id, addresses.length]), [["urn:uuid:many", 8]]);
  assertEquals(warnings.map(({ code, at }) => [code, at.peer]), [["onvif-strange-answer", "127.0.0.1"]]);
  assertEquals(warnings[0].count % 10, 0);
});

Deno.test("a flood of cameras that are none is bounded", async () => {
  let number = 0;
  await using listener = startProbeListener((probe) =>
    Array.from({ length: 1_500 }, () => probeMatch(probe, { id: `urn:uuid:${number++}` }))
  );
  const found = await discoverCameras({ timeout: 2_000, from: FROM, at: listener.at });
  assert(number >= 3_000);
  assert(found.length <= 1024, `${found.length}`);
  // Some datagrams are lost on the way; not most.
  assert(found.length > 200, `${found.length}`);
});

Deno.test("discoverCameras() ends at its signal, with what onCamera throws, and refuses what is no time", async () => {
  await using listener = startProbeListener((probe) => [probeMatch(probe)]);
  const options = { from: FROM, at: listener.at, timeout: 60_000 };
  await assertRejects(
    () =>
      discoverCameras({
        ...options,
        onCamera: () => {
          throw new Error("mine");
        },
      }),
    Error,
    "mine",
  );
  const stop = new AbortController();
  setTimeout(() => stop.abort(new Error("enough")), 50);
  await assertRejects(() => discoverCameras({ ...options, signal: stop.signal }), Error, "enough");
  await assertRejects(() => discoverCameras({ timeout: -1 }), RangeError);
  assertEquals(await discoverCameras({ timeout: 50, from: ["127.0.0.1"], at: { hostname: "127.0.0.1", port: 9 } }), []);
});
