// Pure: no I/O.
import type { AudioTrackInfo, VideoTrackInfo, Warning } from "../src/media/mod.ts";
import type { StreamServerOptions } from "../src/serve/stream_server.ts";

/** What a server is made of. */
export type ServeSettings = Omit<StreamServerOptions, "realm" | "find">;

/** Where a client's stream begins: with the next keyframe, or with the newest one that is still kept. */
export type JoinAt = "next-keyframe" | "last-keyframe";

/** What a server offers under one path. */
export interface StreamSettings {
  path: string;
  /** A variable ring of access units. */
  ring: SharedArrayBuffer;
  /** Access units that the server may be behind. */
  capacity: number;
  corrupt: "skip" | "deliver";
  /** What is known before the first keyframe; null: nothing. */
  info: VideoTrackInfo | null;
  joinAt: JoinAt;
  /** What is heard beside it: a ring of its units, and what they are. */
  sound: { ring: SharedArrayBuffer; info: AudioTrackInfo } | null;
  counters: SharedArrayBuffer;
}

/** What the main thread tells a serve worker. The first message is `init`. */
export type ToServeWorker =
  | { type: "init"; settings: ServeSettings; bell: SharedArrayBuffer; counters: SharedArrayBuffer }
  | { type: "add"; stream: number; settings: StreamSettings }
  /** Nothing more is written into the ring: send what is there, then say `over`. */
  | { type: "end-stream"; stream: number }
  /** Send nothing more, then say `over`. */
  | { type: "drop"; stream: number }
  | { type: "end" };

/** What a serve worker tells the main thread. Nothing of it comes for each access unit or client. */
export type FromServeWorker =
  | { type: "listening"; port: number }
  /** It cannot listen. */
  | { type: "failed"; name: string; message: string }
  /** The ring is not read any more, and all clients of the stream are gone or on their way. */
  | { type: "over"; stream: number }
  /** At most one of each kind for a stream. */
  | { type: "warning"; warning: Warning }
  | { type: "closed" };

/** Counters of a server in shared memory, as 64-bit floats in this order. */
export const SERVER_COUNTERS = [
  "clients", // value: connections that stand
  "connections", // connections that came
  "refused", // of these, closed at once: there were too many
] as const;

/** Counters of one stream of a server in shared memory, as 64-bit floats in this order. */
export const STREAM_COUNTERS = [
  "viewers", // value: clients that it is sent to
  "joined", // clients that it was ever sent to
  "accessUnits", // taken from the feed
  "dropped", // access units of the feed that the server did not get, or passed over on the way to a keyframe
  "sent", // access units sent, counted for each viewer
  "packets", // RTP packets sent
  "bytes", // of these packets
  "skipped", // access units that viewers did not get because they were behind
  "unsendable", // access units that RTP has no way to carry: MJPEG of its own Huffman tables
  "soundDropped", // units of sound that somebody listened to, and that the server did not get in time
  "soundSkipped", // units of sound that listeners did not get because they were behind
  "soundUnsendable", // units of sound, counted for each listener, of another format than it was told, or too large for RTP
] as const;

export type ServerCounters = Record<typeof SERVER_COUNTERS[number], number>;
export type StreamCounters = Record<typeof STREAM_COUNTERS[number], number>;

/** Reads counters out of shared memory. */
export function readCounters<Name extends string>(
  names: readonly Name[],
  buffer: SharedArrayBuffer,
): Record<Name, number> {
  const values = new Float64Array(buffer);
  return Object.fromEntries(names.map((name, i) => [name, values[i]])) as Record<Name, number>;
}
