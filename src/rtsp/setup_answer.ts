// Pure: no I/O.
import type { NegotiatedTransport } from "./session_events.ts";
import { parseTransport } from "./transport_header.ts";

/** What was asked for in a SETUP. */
export type TransportOffer = { kind: "tcp"; channel: number } | { kind: "udp"; rtpPort: number; rtcpPort: number };

/**
 * What the answer to a SETUP makes of an offer; null where that is something this client cannot take (multicast, or
 * UDP where TCP was asked for). Cameras leave out what they agree with, choose other channels, and answer a wish for UDP with TCP.
 */
export function negotiated(offer: TransportOffer, header: string | null): NegotiatedTransport | null {
  const spec = header === null ? undefined : parseTransport(header)[0];
  if (spec === undefined) {
    return offer.kind === "tcp"
      ? tcp(offer.channel, offer.channel + 1, null)
      : { kind: "udp", serverRtpPort: 0, serverRtcpPort: 0, source: "", ssrc: null };
  }
  if (spec.multicast) return null;
  // `RTP/AVP;unicast;interleaved=0-1` without `/TCP` is TCP all the same.
  if (spec.protocol === "tcp" || spec.interleaved !== null) {
    const wanted = offer.kind === "tcp" ? offer.channel : 0;
    const [rtp, rtcp] = spec.interleaved ?? [wanted, wanted + 1];
    return tcp(rtp, rtcp, spec.ssrc);
  }
  if (offer.kind === "tcp") return null;
  return {
    kind: "udp",
    serverRtpPort: spec.serverPort?.[0] ?? 0,
    serverRtcpPort: spec.serverPort?.[1] ?? 0,
    source: spec.source,
    ssrc: spec.ssrc,
  };
}

function tcp(rtpChannel: number, rtcpChannel: number, ssrc: number | null): NegotiatedTransport {
  return {
    kind: "tcp",
    rtpChannel,
    rtcpChannel: rtcpChannel === rtpChannel ? rtpChannel + 1 & 0xff : rtcpChannel,
    ssrc,
  };
}
