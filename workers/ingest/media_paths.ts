import { RtspError, type VideoTrackInfo } from "../../src/media/mod.ts";
import { type NegotiatedTransport, type RtspTrack, type SideKind, sideKindOf } from "../../src/rtsp/mod.ts";
import { CAMERA_COUNTER, type CameraSettings, SIDE_COUNTER, type SideCondition } from "../ingest_protocol.ts";
import { MediaPath, type MediaPathEvents } from "./media_path.ts";
import type { NativeLibrary } from "./native.ts";
import type { Poller } from "./poller.ts";
import { SideTrack } from "./side_track.ts";
import { Track } from "./track.ts";
import { isMulticast } from "./udp_listeners.ts";

/** What a camera's tracks tell their owner; `heard` and `broken` are of the video alone. */
export interface MediaPathsEvents extends MediaPathEvents {
  info(info: VideoTrackInfo): void;
  beside(kind: SideKind, condition: SideCondition): void;
}

/**
 * The tracks of a camera, and how their packets come: the video, and what the program wants beside it. What happens to the
 * others never ends the camera.
 */
export class MediaPaths {
  readonly video: Track;
  readonly #media: MediaPath;
  readonly #sides: { track: SideTrack; media: MediaPath }[];
  #wanted: readonly SideKind[];

  constructor(
    sockets: { library: NativeLibrary; poller: Poller },
    settings: CameraSettings,
    events: MediaPathsEvents,
  ) {
    const { counters } = settings;
    this.video = new Track(settings, events);
    this.#media = new MediaPath(sockets, this.video, { settings, counters, at: CAMERA_COUNTER }, events);
    this.#sides = settings.beside.map((side) => {
      const track = new SideTrack(side, {
        changed: (condition) => events.beside(side.kind, condition),
        warning: events.warning,
      });
      const media: MediaPath = new MediaPath(sockets, track, { settings, counters: side.counters, at: SIDE_COUNTER }, {
        // It is the video that must be heard.
        heard: () => {},
        sendInterleaved: events.sendInterleaved,
        warning: (warning, at) => events.warning({ ...warning, code: `${side.kind}-${warning.code}` }, at),
        broken: (error) => {
          media.close();
          track.cannot("broken", error instanceof Error ? error.message : String(error));
        },
      });
      return { track, media };
    });
    this.#wanted = this.#all;
  }

  /** How the video was set up; null before. */
  get kind(): MediaPath["kind"] {
    return this.#media.kind;
  }

  /** What the next session is to ask for beside the video. */
  get wanted(): readonly SideKind[] {
    return this.#wanted;
  }

  get #all(): SideKind[] {
    return this.#sides.map(({ track }) => track.kind);
  }

  /** The next session asks for the video alone: the camera failed with more. */
  giveUp(reason: string): void {
    this.#wanted = [];
    for (const { track } of this.#sides) track.cannot("left-out", `the camera failed with it (${reason})`);
  }

  /** The next session asks for all again. */
  askAgain(): void {
    this.#wanted = this.#all;
  }

  /** The camera said what it has; of that this was selected. */
  described(selected: readonly RtspTrack[]): void {
    for (const { track } of this.#sides) {
      if (!this.#wanted.includes(track.kind)) continue;
      const offered = selected.slice(1).some((one) => sideKindOf(one) === track.kind);
      if (!offered) track.cannot("missing", `the camera offers no ${track.kind === "audio" ? "sound" : "data"}`);
    }
  }

  /**
   * Opens a pair of UDP ports for a track.
   *
   * @throws {Error} where there are none to be had; the message says why.
   */
  openPorts(track: RtspTrack, peer: Uint8Array<ArrayBuffer>): { rtpPort: number; rtcpPort: number } {
    return (this.#sideOf(track)?.media ?? this.#media).openPorts(peer);
  }

  /**
   * Goes on as the camera agreed to.
   *
   * @throws {Error} where the video's multicast group cannot be joined; the message says why.
   */
  setUp(track: RtspTrack, transport: NegotiatedTransport, at: number): void {
    const side = this.#sideOf(track);
    if (!side) return this.#media.setUp(track, transport, at);
    try {
      side.media.setUp(track, transport, at);
    } catch (error) {
      this.leftOut(track, error);
    }
  }

  /** A track was refused, or cannot be listened to. */
  leftOut(track: RtspTrack, error: unknown): void {
    const side = this.#sideOf(track);
    side?.media.close();
    const message = error instanceof Error ? error.message : String(error);
    // Who reads of sound knows which camera it is.
    const reason = error instanceof RtspError ? message.replace(/^(?:Cannot open|Lost) \S+: /, "") : message;
    side?.track.cannot("left-out", reason, track.encoding);
  }

  /**
   * Listens to tracks whose packets come without being asked for, to where each of them says.
   *
   * @param source who sends; empty: whoever is the first to.
   * @throws {Error} where the video cannot be listened to; the message says why.
   */
  listen(selected: readonly RtspTrack[], source: string, at: number): void {
    this.described(selected);
    for (const track of selected) {
      const { connection, port } = track;
      const address = isMulticast(connection) ? connection : connection.includes(":") ? "::" : "";
      const side = this.#sideOf(track);
      try {
        (side?.media ?? this.#media).listen(track, { address, rtpPort: port, rtcpPort: port + 1, source }, at);
      } catch (error) {
        if (!side) throw error;
        this.leftOut(track, error);
      }
    }
  }

  /** Bytes of the connection that may gather before they are received: 1 where all is to be received as it comes. */
  gathering(may: boolean): number {
    const alone = this.#media.kind === "tcp" && this.#sides.every(({ media }) => media.kind === null);
    return this.video.gathering(may && alone);
  }

  interleaved(channel: number, data: Uint8Array, start: number, end: number, at: number): void {
    this.#media.interleaved(channel, data, start, end, at);
    for (const { media } of this.#sides) media.interleaved(channel, data, start, end, at);
  }

  /** Whether packets are held back for one that is missing, until `tick()` gives it up. */
  get waits(): boolean {
    return this.video.waits || this.#sides.some(({ track }) => track.waits);
  }

  tick(at: number): void {
    this.video.tick(at);
    this.#media.report(at);
    for (const { track, media } of this.#sides) {
      track.tick(at);
      media.report(at);
    }
  }

  count(at: number): void {
    this.video.count();
    this.#media.count(at);
    for (const { track, media } of this.#sides) {
      track.count();
      media.count(at);
    }
  }

  /** Closes what is open, until the next connection. */
  close(): void {
    this.#media.close();
    for (const { media } of this.#sides) media.close();
  }

  #sideOf(track: RtspTrack): { track: SideTrack; media: MediaPath } | undefined {
    if (track.codec !== null) return undefined;
    return this.#sides.find((side) => side.track.kind === sideKindOf(track));
  }
}
