import type { Warning } from "../../src/media/mod.ts";
import { writeRtpHeader } from "../../src/rtp/mod.ts";
import { type NegotiatedTransport, redactUrl, type RtspTrack } from "../../src/rtsp/mod.ts";
import type { CameraSettings } from "../ingest_protocol.ts";
import type { MediaTrack } from "./media_track.ts";
import type { NativeLibrary } from "./native.ts";
import type { Poller } from "./poller.ts";
import { isMulticast, numericAddress, UdpListeners, type UdpListenersOptions } from "./udp_listeners.ts";
import { UdpPair } from "./udp_pair.ts";

/** Between two receiver reports, in milliseconds. @see RFC 3550, 6.2 */
const REPORT_INTERVAL = 5_000;
const RTP_HEADER_BYTES = 12;

/** What a media path tells its owner. */
export interface MediaPathEvents {
  /** A packet of media came over UDP. */
  heard(at: number): void;
  /** A report is to go over the RTSP connection. */
  sendInterleaved(channel: number, packet: Uint8Array): void;
  warning(warning: Warning, at: number): void;
  broken(error: unknown): void;
}

/** What a media path is made of. */
export interface MediaPathOptions {
  settings: Pick<CameraSettings, "url" | "receiveBuffer">;
  /** Where it counts, and at which of them. */
  counters: SharedArrayBuffer;
  at: Readonly<Record<"receiveBuffer" | "foreign" | "socketDrops", number>>;
}

/** How packets of a track come, and reports go, over one connection after the other: interleaved or a pair of UDP ports. */
export class MediaPath {
  readonly #library: NativeLibrary;
  readonly #poller: Poller;
  readonly #track: MediaTrack;
  readonly #settings: MediaPathOptions["settings"];
  readonly #counters: Float64Array;
  readonly #at: MediaPathOptions["at"];
  readonly #events: MediaPathEvents;
  #udp: UdpPair | null = null;
  #group: UdpListeners | null = null;
  #transport: NegotiatedTransport | null = null;
  #reportAt = 0;
  /** Counts of the sockets before this one. */
  #drops = 0;
  #foreign = 0;

  constructor(
    sockets: { library: NativeLibrary; poller: Poller },
    track: MediaTrack,
    { settings, counters, at }: MediaPathOptions,
    events: MediaPathEvents,
  ) {
    this.#library = sockets.library;
    this.#poller = sockets.poller;
    this.#track = track;
    this.#settings = settings;
    this.#counters = new Float64Array(counters);
    this.#at = at;
    this.#events = events;
  }

  /** How it was set up; null before. */
  get kind(): "udp" | "tcp" | "multicast" | null {
    return this.#transport?.kind ?? null;
  }

  /**
   * Opens a pair of UDP ports for packets of that host.
   *
   * @throws {Error} where there are none to be had; the message says why.
   */
  openPorts(peer: Uint8Array<ArrayBuffer>): { rtpPort: number; rtcpPort: number } {
    this.#closePorts();
    return this.#udp = new UdpPair(this.#library, this.#poller, { peer, ...this.#receiving() });
  }

  #receiving() {
    return {
      receiveBuffer: this.#settings.receiveBuffer,
      rtp: (data: Uint8Array, start: number, end: number, at: number) => {
        this.#events.heard(at);
        this.#track.packet(data, start, end, at);
        if (this.#track.waits) this.#poller.hurried = true;
      },
      rtcp: (data: Uint8Array, start: number, end: number, at: number) => this.#track.control(data, start, end, at),
      broken: this.#events.broken,
    };
  }

  /**
   * Listens where packets of a track come without being asked for; where no source is named, the first to send there is taken
   * for the camera, which may have more than one address.
   *
   * @throws {Error} where it cannot listen there; the message says why.
   */
  listen(
    track: RtspTrack,
    to: Pick<UdpListenersOptions, "address" | "rtpPort" | "rtcpPort" | "source">,
    at: number,
  ): void {
    this.#closePorts();
    const sockets = { library: this.#library, poller: this.#poller };
    this.#group = new UdpListeners(sockets, { ...to, ...this.#receiving() });
    this.#track.begin(track, false);
    this.#checkBuffer(this.#group.receiveBuffer, at);
  }

  /**
   * Goes on as the camera agreed to.
   *
   * @throws {Error} where a multicast group cannot be joined; the message says why.
   */
  setUp(track: RtspTrack, transport: NegotiatedTransport, at: number): void {
    this.#transport = transport;
    this.#reportAt = at + REPORT_INTERVAL;
    if (transport.kind === "multicast") {
      const { group, rtpPort, rtcpPort } = transport;
      if (!isMulticast(group)) throw new Error(`"${group}" is no group`);
      return this.listen(track, { address: group, rtpPort, rtcpPort, source: "" }, at);
    }
    this.#track.begin(track, transport.kind === "tcp");
    if (transport.kind === "tcp") this.#closePorts();
    if (transport.kind === "tcp" || !this.#udp) return;
    const { serverRtpPort: rtpPort, serverRtcpPort: rtcpPort, source } = transport;
    this.#udp.setServer({ rtpPort, rtcpPort, source: numericAddress(source) });
    this.#punch(track.payloadType, at);
    this.#checkBuffer(this.#udp.receiveBuffer, at);
  }

  /** Takes an interleaved packet; the camera chose the channels. */
  interleaved(channel: number, data: Uint8Array, start: number, end: number, at: number): void {
    const transport = this.#transport;
    if (transport?.kind !== "tcp") return;
    if (channel === transport.rtpChannel) this.#track.packet(data, start, end, at);
    else if (channel === transport.rtcpChannel) this.#track.control(data, start, end, at);
  }

  /** Sends a receiver report where one is due. */
  report(at: number): void {
    const transport = this.#transport;
    if (!transport || at < this.#reportAt) return;
    // Give or take a quarter: those of many cameras do not go out at the same instant. RFC 3550, 6.3.1
    this.#reportAt = at + REPORT_INTERVAL * (0.75 + Math.random() / 2);
    const packet = this.#track.report(at);
    if (!packet) return;
    if (transport.kind === "tcp") this.#events.sendInterleaved(transport.rtcpChannel, packet);
    else this.#udp?.sendControl(packet);
  }

  /** Copies what the sockets counted to where the main thread reads it. */
  count(at: number): void {
    const counters = this.#counters, { receiveBuffer, foreign, socketDrops } = this.#at;
    const udp = this.#udp ?? this.#group;
    counters[receiveBuffer] = udp?.receiveBuffer ?? 0;
    if (!udp) return;
    counters[foreign] = this.#foreign + udp.foreign;
    const drops = this.#drops + udp.socketDrops;
    const fresh = drops - counters[socketDrops];
    if (fresh <= 0) return;
    counters[socketDrops] = drops;
    const message = `The system dropped ${fresh} datagrams because the receive buffer was full`;
    this.#events.warning(
      { code: "socket-drops", message, at: { url: redactUrl(this.#settings.url) }, count: fresh },
      at,
    );
  }

  /** Closes what is open, until the next connection. */
  close(): void {
    this.#closePorts();
    this.#transport = null;
  }

  #closePorts(): void {
    for (const ports of [this.#udp, this.#group]) {
      if (!ports) continue;
      this.#drops += ports.socketDrops;
      this.#foreign += ports.foreign;
      ports.close();
    }
    this.#udp = this.#group = null;
  }

  /** Has a packet leave by each port: a firewall of this host then lets in what comes back. */
  #punch(payloadType: number, at: number): void {
    const packet = new Uint8Array(RTP_HEADER_BYTES);
    writeRtpHeader(packet, { payloadType, sequence: 0, timestamp: 0, ssrc: 0, marker: false });
    this.#udp?.sendMedia(packet);
    const report = this.#track.report(at);
    if (report) this.#udp?.sendControl(report);
  }

  #checkBuffer(got: number, at: number): void {
    const asked = this.#settings.receiveBuffer;
    if (got >= asked) return;
    const message =
      `The system gave a UDP receive buffer of ${got} bytes, ${asked} were asked for: bursts may be lost; ` +
      `to allow it: sysctl -w net.core.rmem_max=${asked}`;
    this.#events.warning(
      { code: "receive-buffer", message, at: { url: redactUrl(this.#settings.url), got, asked }, count: 1 },
      at,
    );
  }
}
