import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { parsePublic, parseRtpInfo, parseSessionHeader } from "./session_headers.ts";
import { SetupPlan } from "./setup_plan.ts";
import type { RtspTrack } from "./session_events.ts";
import { formatTransport, parseTransport, transportSpec } from "./transport_header.ts";

Deno.test("parseTransport() reads what formatTransport() writes", () => {
  const spec = transportSpec("udp", {
    clientPort: [5000, 5001],
    serverPort: [6000, 6001],
    source: "10.0.0.1",
    ssrc: 0xab,
    mode: "PLAY",
    other: ["append"],
  });
  assertEquals(parseTransport(formatTransport(spec)), [spec]);
  const tcp = transportSpec("tcp", { interleaved: [2, 3] });
  assertEquals(formatTransport(tcp), "RTP/AVP/TCP;unicast;interleaved=2-3");
  const group = transportSpec("udp", { multicast: true, destination: "239.0.0.1", port: [7000, 7001], ttl: 5 });
  assertEquals(parseTransport(`${formatTransport(tcp)},${formatTransport(group)},RAW/RAW/UDP`), [tcp, group]);
});

Deno.test("parseTransport() takes one number for two, odd spellings of ssrc, and survives any text", () => {
  const [spec] = parseTransport(
    "rtp/avp/udp ; unicast ; client_port=5000 ; server_port=x ; ssrc= 0x1F ; interleaved=255",
  );
  assertEquals([spec.clientPort, spec.serverPort, spec.ssrc, spec.interleaved], [[5000, 5001], null, 31, [255, 255]]);
  fc.assert(fc.property(fc.string(), (any) => {
    parseTransport(any);
    parseTransport("RTP/AVP;" + any);
    parseRtpInfo(any);
    parsePublic([any]);
    return parseSessionHeader(any).timeoutSeconds > 0;
  }));
});

Deno.test("SetupPlan.accept() goes by what the camera chose", () => {
  const track = {} as RtspTrack;
  const answer = (policy: "auto" | "tcp" | "udp", header: string | null) => {
    const plan = new SetupPlan(policy);
    plan.begin([track]);
    plan.offer(plan.needsPorts ? { rtpPort: 5000, rtcpPort: 5001 } : null);
    return plan.accept(header);
  };
  const tcp = (rtpChannel: number, rtcpChannel: number) =>
    ({ kind: "tcp", rtpChannel, rtcpChannel, ssrc: null }) as const;
  assertEquals(answer("tcp", "RTP/AVP/TCP;unicast;interleaved=4-5"), tcp(4, 5), "gortsplib#72");
  assertEquals(answer("tcp", "RTP/AVP/TCP;unicast"), tcp(0, 1), "gortsplib#142");
  assertEquals(answer("tcp", "RTP/AVP;unicast;interleaved=0-0"), tcp(0, 1));
  assertEquals(answer("tcp", null), tcp(0, 1));
  assertEquals(answer("auto", "RTP/AVP/TCP;interleaved=0-1"), tcp(0, 1), "TCP in answer to UDP");
  assertEquals(answer("udp", "RTP/AVP/TCP;interleaved=0-1"), null);
  assertEquals(answer("tcp", "RTP/AVP;unicast;client_port=1-2"), null);
  assertEquals(answer("auto", "RTP/AVP;multicast;destination=239.0.0.1;port=1-2"), null);
  assertEquals(answer("udp", "RTP/AVP;unicast;server_port=9000-9001;ssrc=0000000A;source=10.0.0.2"), {
    kind: "udp",
    serverRtpPort: 9000,
    serverRtcpPort: 9001,
    source: "10.0.0.2",
    ssrc: 10,
  });
});

Deno.test("parseRtpInfo() and parseSessionHeader() read what they can", () => {
  assertEquals(parseRtpInfo('url=rtsp://a/b?c=1;2,3/t1;seq=5;rtptime=4294967295,url="t2";rtptime=x'), [
    { url: "rtsp://a/b?c=1;2,3/t1", sequence: 5, rtpTimestamp: 4_294_967_295 },
    { url: "t2", sequence: null, rtpTimestamp: null },
  ]);
  assertEquals(parseSessionHeader("4F ; Timeout = 30"), { id: "4F", timeoutSeconds: 30 });
  assertEquals(parseSessionHeader("4F;timeout=0"), { id: "4F", timeoutSeconds: 60 });
  assertEquals([...parsePublic(["options, Play", "GET_PARAMETER"])], ["OPTIONS", "PLAY", "GET_PARAMETER"]);
});
