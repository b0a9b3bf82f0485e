// Pure: no I/O.
import type { RtspError } from "../media/mod.ts";
import type { NegotiatedTransport, RtspTrack } from "./session_events.ts";
import type { TransportPolicy } from "./session_options.ts";
import { formatTransport, parseTransport, type TransportSpec, transportSpec } from "./transport_header.ts";

/** What was asked for in a SETUP. */
export type TransportOffer =
  | { kind: "tcp"; channel: number }
  | { kind: "udp"; rtpPort: number; rtcpPort: number }
  | { kind: "multicast"; group: string; port: number };

/**
 * What the answer to a SETUP makes of an offer; null where that is something that was not asked for (multicast, or
 * UDP in place of TCP). Cameras leave out what they agree with, choose other channels, and answer a wish for UDP with TCP.
 */
export function negotiated(offer: TransportOffer, header: string | null): NegotiatedTransport | null {
  const spec = header === null ? undefined : parseTransport(header)[0];
  if (offer.kind === "multicast") return multicast(offer, spec);
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

/** What the camera leaves out stands in the description. */
function multicast(
  offer: { group: string; port: number },
  spec: TransportSpec | undefined,
): NegotiatedTransport | null {
  if (spec !== undefined && !spec.multicast) return null;
  const group = spec?.destination || offer.group;
  // Some cameras put the ports of the group where those of the client belong.
  const [rtpPort, rtcpPort] = spec?.port ?? spec?.clientPort ?? [offer.port, offer.port + 1];
  if (group === "" || rtpPort === 0) return null;
  return { kind: "multicast", group, rtpPort, rtcpPort, ssrc: spec?.ssrc ?? null };
}

function tcp(rtpChannel: number, rtcpChannel: number, ssrc: number | null): NegotiatedTransport {
  return {
    kind: "tcp",
    rtpChannel,
    rtcpChannel: rtcpChannel === rtpChannel ? rtpChannel + 1 & 0xff : rtcpChannel,
    ssrc,
  };
}

/** What a refused SETUP leads to. */
export type Refusal =
  /** The same track is asked for over the next transport. */
  | "next-transport"
  /** The track is left out, for the video is what the session is for. */
  | "left-out"
  /** The description is asked for again. */
  | "describe"
  | "fail";

/**
 * Goes through the tracks to be set up, and through the transports that the policy allows. The first track is what it is
 * all for; the others may be refused.
 */
export class SetupPlan {
  /** Channels of the connection that packets come on. */
  readonly channels = new Set<number>();
  readonly #policy: TransportPolicy;
  readonly #transports: ("udp" | "tcp" | "multicast")[];
  #tracks: readonly RtspTrack[] = [];
  #at = 0;
  #offer: TransportOffer | null = null;
  #usesUdp = false;
  #describedAgain = false;

  constructor(policy: TransportPolicy) {
    this.#policy = policy;
    this.#transports = policy === "auto" ? ["udp", "tcp"] : [policy];
  }

  /** The track whose turn it is; null once all are set up. */
  get track(): RtspTrack | null {
    return this.#tracks[this.#at] ?? null;
  }

  /** Whether the track whose turn it is may be left out. */
  get isSide(): boolean {
    return this.#at > 0 && this.#at < this.#tracks.length;
  }

  /** Whether anything but the first track was asked for. */
  get triedSides(): boolean {
    return this.#at > 0 && this.#tracks.length > 1;
  }

  /** Whether ports are needed before the next offer can be made. */
  get needsPorts(): boolean {
    return this.#transports[0] === "udp";
  }

  /** Whether packets of the first track come over UDP. */
  get usesUdp(): boolean {
    return this.#usesUdp;
  }

  /** The Transport header of the next SETUP. */
  offer(ports: { rtpPort: number; rtcpPort: number } | null): string {
    // Without `mode`: some Hikvision models refuse it.
    if (ports !== null) {
      this.#offer = { kind: "udp", ...ports };
      return formatTransport(transportSpec("udp", { clientPort: [ports.rtpPort, ports.rtcpPort] }));
    }
    if (this.#transports[0] === "multicast") {
      const { connection, port } = this.track!;
      this.#offer = { kind: "multicast", group: connection, port };
      return formatTransport(transportSpec("udp", { multicast: true }));
    }
    let channel = 0;
    while (this.channels.has(channel) || this.channels.has(channel + 1)) channel += 2;
    this.#offer = { kind: "tcp", channel };
    return formatTransport(transportSpec("tcp", { interleaved: [channel, channel + 1] }));
  }

  /** Takes the answer's Transport header and goes on to the next track; null where it cannot be taken. */
  accept(header: string | null): NegotiatedTransport | null {
    const transport = this.#offer === null ? null : negotiated(this.#offer, header);
    if (transport === null || transport.kind === "tcp" && this.#policy === "udp") return null;
    if (transport.kind === "tcp") {
      const { rtpChannel, rtcpChannel } = transport;
      // Nobody could tell the packets of two tracks on one channel apart.
      if (this.channels.has(rtpChannel) || this.channels.has(rtcpChannel)) return null;
      this.channels.add(rtpChannel).add(rtcpChannel);
    }
    if (this.#at === 0) {
      this.#usesUdp = transport.kind !== "tcp";
      // Whoever answers UDP with TCP means TCP for all.
      if (!this.#usesUdp) this.#transports.splice(0, this.#transports.length, "tcp");
    }
    this.#at++;
    return transport;
  }

  /** Begins, or begins again with tracks that were described anew; the transports that were given up stay so. */
  begin(tracks: readonly RtspTrack[]): void {
    this.#tracks = tracks;
    this.#at = 0;
    this.channels.clear();
  }

  /** What becomes of the track that was refused; after `"left-out"` it is the next one's turn. */
  refused({ status, code }: RtspError): Refusal {
    if (this.isSide) {
      // Whoever forgot the session has forgotten the video as well.
      if (status === 454) return "fail";
      this.#at++;
      return "left-out";
    }
    // Hikvision forgets what came before, a refused SETUP over UDP among it.
    if ((status === 454 || status === 455) && !this.#describedAgain) {
      this.#describedAgain = true;
      return "describe";
    }
    // What a camera cannot send over UDP it says with many a code; who may not and what is not there stays so.
    if (code !== "transport" && code !== "status") return "fail";
    this.#transports.shift();
    return this.#transports.length > 0 ? "next-transport" : "fail";
  }
}
