// Pure: no I/O.
import { RtspError, type RtspErrorCode, type RtspTimeout, type VideoCodec } from "../media/mod.ts";
import {
  avcConfiguration,
  h264Parameters,
  hevcConfiguration,
  hevcParameters,
  joinAnnexB,
  splitLengths,
  type VideoPacketizer,
  videoPacketizer,
} from "../rtp/mod.ts";
import {
  headEnd,
  type MediaHandler,
  parseHead,
  parseHttpUrl,
  pathOf,
  resolveLocation,
  type RtspResponse,
  type RtspSessionEvent,
  type RtspTrack,
  type SideKind,
  statusError,
} from "../rtsp/mod.ts";
import { HttpBody } from "./http_body.ts";
import { FlvParser, type FlvTag } from "./parser.ts";
import { FlvSound } from "./sound.ts";
import { readVideoTag, type VideoTag } from "./video_tag.ts";
import type { WebCredentials } from "./web_credentials.ts";

const MAX_HEAD = 16_384;
const PAYLOAD_TYPE = 96;
const CLOCK_RATE = 90_000;
const TICKS_PER_MS = CLOCK_RATE / 1000;
/** Packets go no further than to the receiver of this program: as large as they may be. */
const PACKET_BYTES = 60_000;
/** How long sound is waited for that is wanted, once there is video, in milliseconds. */
const SOUND_PATIENCE = 1_000;
const VIDEO_CHANNEL = 0, SOUND_CHANNEL = 2;
/** Bytes of pictures that wait for the owner to take what they are of. */
const MAX_EARLY = 16 << 20;

/** What an `FlvClientSession` is made of. */
export interface FlvSessionOptions {
  /** Knows the challenge of the session before, where there was one: HTTP closes the connection after each. */
  credentials: WebCredentials;
  onMedia: MediaHandler;
  /** Milliseconds, as `RtspSessionOptions` has them. */
  responseTimeout: number;
  firstPacketTimeout: number;
  idleTimeout: number;
  /** What is handed on beside the video: sound, where the camera has some that is known here. @default {[]} */
  beside?: readonly SideKind[];
  /** @default {"Millrace"} */
  userAgent?: string;
}

/**
 * The client's side of one connection over which a camera sends FLV by HTTP, without the connection: bytes and the time go in,
 * bytes and events come out, as with an `RtspClientSession` that plays over TCP. Its pictures come out in packets, so
 * that whoever receives cameras receives this one as well.
 *
 * After each call take `outgoing()` until it is null, then `events()`. Nothing that the peer sends makes a call throw.
 */
export class FlvClientSession {
  readonly stats = { garbageBytes: 0 };
  readonly #url: string;
  readonly #options: FlvSessionOptions;
  readonly #parser: FlvParser;
  #state: "idle" | "asked" | "answered" | "playing" | "ended" = "idle";
  #request: Uint8Array<ArrayBuffer> | null = null;
  #events: RtspSessionEvent[] = [];
  #head = new Uint8Array(0);
  #body: HttpBody | null = null;
  #now = 0;
  /** When what the state is about began. */
  #since = 0;
  #mediaAt = -1;
  #codec: VideoCodec | null = null;
  #lengthBytes = 4;
  #sets: Uint8Array = new Uint8Array(0);
  #packetizer: VideoPacketizer | null = null;
  /** Null where none is wanted, or it was not there in time. */
  #sound: FlvSound | null;
  #announced = false;
  /** What came with the description, until that was taken; null from then on. */
  #early: { channel: number; packet: Uint8Array }[] | null = [];
  #earlyBytes = 0;

  /** @throws {SyntaxError} where the URL is none. */
  constructor(url: string, options: FlvSessionOptions) {
    this.#url = parseHttpUrl(url).href;
    this.#options = options;
    this.#sound = options.beside?.includes("audio") ? new FlvSound(this.#url) : null;
    this.#parser = new FlvParser({
      tag: (kind, data, start, end, timestamp) => this.#tag(kind, data, { start, end, timestamp }),
      fault: (error) => this.#fail("protocol", `the camera sends no FLV: ${error.message.split("FLV, ").at(-1)}`),
    });
  }

  get state(): string {
    return this.#state;
  }

  /** Begins, once the connection stands. */
  start(now: number): void {
    if (this.#state !== "idle") return;
    this.#now = this.#since = now;
    this.#state = "asked";
    const path = pathOf(this.#url) || "/";
    const authorization = this.#options.credentials.authorize(path);
    const lines = [
      `GET ${path} HTTP/1.1`,
      `Host: ${this.#url.replace(/^https?:\/\//i, "").split(/[/?]/)[0]}`,
      `User-Agent: ${this.#options.userAgent ?? "Millrace"}`,
      "Accept: */*",
      "Connection: close",
      ...authorization === null ? [] : [`Authorization: ${authorization}`],
    ];
    this.#request = new TextEncoder().encode(lines.join("\r\n") + "\r\n\r\n");
  }

  /** Takes what came over the connection; `onMedia` is called while this runs. The bytes are not kept. */
  receive(bytes: Uint8Array, now: number): void {
    this.#now = now;
    if (this.#state === "asked") this.#receiveHead(bytes);
    else if (this.#state !== "idle" && this.#state !== "ended") this.#receiveBody(bytes);
  }

  /** Whether the last bytes were a part of a tag whose rest is to come. */
  get midway(): boolean {
    return this.#parser.heldBytes > 0;
  }

  /** Ends what takes too long. To be called every quarter of a second or so. */
  tick(now: number): void {
    this.#now = now;
    const { responseTimeout, firstPacketTimeout, idleTimeout } = this.#options;
    const waited = now - this.#since;
    if (this.#state === "asked" && waited >= responseTimeout) {
      this.#fail("timeout", `the camera did not answer GET in ${responseTimeout / 1000} s`, { timeout: "answer" });
    } else if (this.#state === "answered" && waited >= firstPacketTimeout) {
      const what = `the camera answers, but sent no video in ${firstPacketTimeout / 1000} s`;
      this.#fail("timeout", what, { timeout: "first-packet" });
    } else if (this.#state === "playing" && now - this.#mediaAt >= idleTimeout) {
      this.#fail("timeout", `no video came for ${idleTimeout / 1000} s`, { timeout: "idle" });
    }
    if (this.#codec && !this.#announced && now - this.#since >= SOUND_PATIENCE) this.#announce(this.#codec);
  }

  /** The next bytes to be written to the connection, the caller's from now on; null where there are none. */
  outgoing(): Uint8Array | null {
    const request = this.#request;
    this.#request = null;
    return request;
  }

  /** What happened since the last call; who calls again has taken what that was. */
  events(): readonly RtspSessionEvent[] {
    const events = this.#events;
    this.#events = [];
    if (events.length === 0 && this.#announced && this.#early) {
      const early = this.#early;
      this.#early = null;
      for (const { channel, packet } of early) this.#options.onMedia(channel, packet, 0, packet.length);
    }
    return events;
  }

  /** Says that the connection is gone. */
  disconnected(now: number): void {
    this.#now = now;
    this.#fail(
      "closed",
      `the camera closed the connection${this.#state === "asked" ? " instead of answering GET" : ""}`,
    );
  }

  /** Ends the session; to a web server nobody says good-bye. */
  close(now: number): void {
    this.#now = now;
    this.#leave({ type: "ended" });
  }

  #receiveHead(bytes: Uint8Array): void {
    const head = new Uint8Array(this.#head.length + bytes.length);
    head.set(this.#head);
    head.set(bytes, this.#head.length);
    this.#head = head;
    const end = headEnd(head);
    if (end < 0) {
      if (head.length > MAX_HEAD) this.#fail("protocol", "its answer to GET does not end");
      return;
    }
    const response = parseHead(head.subarray(0, end));
    if (response?.kind !== "response" || response.protocol !== "HTTP") {
      return this.#fail("protocol", "what answers there is no web server");
    }
    this.#head = new Uint8Array(0);
    this.#answered(response);
    if (this.#body && end < head.length) this.#receiveBody(head.subarray(end));
  }

  #answered({ status, reason, headers }: RtspResponse): void {
    const { credentials } = this.#options;
    const location = headers.get("Location");
    if (status === 401 && credentials.challenged(headers.getAll("WWW-Authenticate"))) {
      // Over another connection, with credentials.
      return this.#leave({ type: "redirect", url: this.#url });
    }
    credentials.settled();
    if (status >= 300 && status < 400 && location !== null) {
      const url = resolveLocation(location, parseHttpUrl(this.#url));
      if (url !== null) return this.#leave({ type: "redirect", url });
      return this.#fail("protocol", "the camera sends elsewhere, to an address that is none");
    }
    if (status !== 200) {
      const refusal = { status, reason, method: "GET", url: this.#url, credentials: credentials.given };
      return this.#leave({ type: "failed", error: statusError(this.#action(), refusal) });
    }
    const chunked = /\bchunked\b/i.test(headers.get("Transfer-Encoding") ?? "");
    this.#body = new HttpBody(chunked, (bytes) => this.#parser.receive(bytes));
    this.#state = "answered";
    this.#since = this.#now;
  }

  #receiveBody(bytes: Uint8Array): void {
    const body = this.#body!;
    body.receive(bytes);
    if (body.over === "ended") this.#fail("closed", "the camera has ended the stream");
    else if (body.over === "broken") this.#fail("protocol", "the chunks of its answer are damaged");
  }

  #tag(kind: FlvTag, data: Uint8Array, at: { start: number; end: number; timestamp: number }): void {
    if (this.#state === "ended") return;
    if (kind === "audio") return this.#hear(data, at);
    if (kind !== "video") return;
    const tag = readVideoTag(data, at.start, at.end);
    if (tag.kind === "unknown") {
      return this.#fail("codec", `the camera sends video as ${tag.name}, which is not supported; choose H.264 in it`);
    }
    if (tag.kind === "configuration") this.#configure(tag, data);
    else if (tag.kind === "picture") this.#picture(tag, data, at.timestamp);
  }

  #configure({ codec, start, end }: Extract<VideoTag, { kind: "configuration" }>, data: Uint8Array): void {
    const box = data.slice(start, end);
    const { lengthBytes, sets } = codec === "h264" ? avcConfiguration(box) : hevcConfiguration(box);
    if (sets.length === 0) return;
    this.#lengthBytes = lengthBytes;
    this.#sets = joinAnnexB(sets);
    if (this.#codec === codec) return;
    if (this.#codec !== null) return this.#fail("closed", "the camera changed its codec");
    this.#codec = codec;
    this.#packetizer = videoPacketizer(codec, { payloadType: PAYLOAD_TYPE, ssrc: 1, sequence: 0, mtu: PACKET_BYTES });
    this.#state = "playing";
    this.#mediaAt = this.#since = this.#now;
    if (!this.#sound || this.#sound.track) this.#announce(codec);
  }

  /** Says what there is, and that it comes. */
  #announce(codec: VideoCodec): void {
    this.#announced = true;
    const video = this.#track(codec), sound = this.#sound?.track ?? null;
    if (sound === null) this.#sound = null;
    const tracks = sound === null ? [video] : [video, sound];
    this.#events.push({ type: "described", tracks, selected: tracks, warnings: [] });
    for (const [i, track] of tracks.entries()) {
      const channel = i === 0 ? VIDEO_CHANNEL : SOUND_CHANNEL;
      const transport = { kind: "tcp", rtpChannel: channel, rtcpChannel: channel + 1, ssrc: null } as const;
      this.#events.push({ type: "setup", track, transport });
    }
    this.#events.push({ type: "playing", rtpInfo: [], sessionTimeoutSeconds: 0 });
  }

  #hear(data: Uint8Array, at: { start: number; end: number; timestamp: number }): void {
    const sound = this.#sound;
    if (!sound) return;
    sound.take(data, at, (packet) => this.#hand(SOUND_CHANNEL, packet));
    if (sound.track && this.#codec && !this.#announced) this.#announce(this.#codec);
  }

  #picture(tag: Extract<VideoTag, { kind: "picture" }>, data: Uint8Array, timestamp: number): void {
    // Without a configuration, or of another codec than that, it cannot be told where its parts end.
    if (!this.#packetizer || tag.codec !== this.#codec) return;
    this.#mediaAt = this.#now;
    const parts = splitLengths(data.subarray(tag.start, tag.end), this.#lengthBytes);
    if (parts.length === 0) return;
    const pictures = joinAnnexB(parts);
    const unit = tag.keyframe ? new Uint8Array(this.#sets.length + pictures.length) : pictures;
    if (tag.keyframe) {
      unit.set(this.#sets);
      unit.set(pictures, this.#sets.length);
    }
    this.#packetizer.packetize(
      unit,
      (timestamp + tag.delay) * TICKS_PER_MS >>> 0,
      (packet) => this.#hand(VIDEO_CHANNEL, packet),
    );
  }

  /** Hands a packet on, once the owner knows what it is of. */
  #hand(channel: number, packet: Uint8Array): void {
    if (this.#early === null) return this.#options.onMedia(channel, packet, 0, packet.length);
    this.#earlyBytes += packet.length;
    if (this.#earlyBytes <= MAX_EARLY) this.#early.push({ channel, packet: packet.slice() });
  }

  #track(codec: VideoCodec): RtspTrack {
    const known = codec === "h264" ? h264Parameters(this.#sets) : hevcParameters(this.#sets);
    const { width = 0, height = 0, frameRate = 0, codecString = "" } = known ?? {};
    return {
      ...{ index: 0, kind: "video", encoding: codec === "h264" ? "H264" : "H265", codec, payloadType: PAYLOAD_TYPE },
      ...{ clockRate: CLOCK_RATE, channels: 0, parameters: {}, control: this.#url, connection: "", port: 0 },
      ...{ sendOnly: false, audio: null },
      video: {
        ...{ codec, clockRate: CLOCK_RATE, width, height, frameRate, codecString },
        parameterSets: Uint8Array.from(this.#sets),
      },
    };
  }

  #fail(code: RtspErrorCode, text: string, what: { timeout?: RtspTimeout } = {}): void {
    this.#leave({
      type: "failed",
      error: new RtspError(code, `${this.#action()}: ${text}`, { method: "GET", ...what }),
    });
  }

  #leave(event: RtspSessionEvent): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#body = null;
    this.#early = null;
    this.#events.push(event);
  }

  #action(): string {
    return (this.#state === "playing" ? "Lost " : "Cannot open ") + this.#url;
  }
}
