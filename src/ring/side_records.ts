// Pure: no I/O.
import type { AudioCodec, AudioUnit, DataUnit } from "../media/audio_unit.ts";
import type { RecordInfo, RecordMeta } from "./meta.ts";

/*
 * How what comes beside the video lies in a ring of kind `bytes`. Descriptors are made for pictures: where those have
 * their size, sound has its rate and channels, and where those have their decoding time it has its end.
 */

const CODECS: readonly AudioCodec[] = ["aac", "pcmu", "pcma", "opus", "l16"];

/** What a ring says of a unit of sound. */
export function audioRecord(unit: Omit<AudioUnit, "data" | "sequence">, into: RecordInfo = {}): RecordInfo {
  common(unit, into);
  into.dts = unit.pts + unit.duration;
  into.format = CODECS.indexOf(unit.codec) + 1;
  into.width = unit.sampleRate;
  into.height = unit.channels;
  return into;
}

/** The unit of sound that a record is; undefined where it is none. */
export function audioUnitOf(meta: RecordMeta, data: Uint8Array): AudioUnit | undefined {
  const codec = CODECS[meta.format - 1];
  if (codec === undefined) return undefined;
  const { pts, dts, width: sampleRate, height: channels, sequence, corrupt, receivedAt, wallTime } = meta;
  const discontinuity = meta.discontinuity || meta.missed > 0;
  return {
    ...{ codec, data, pts, duration: dts - pts, sampleRate, channels },
    ...{ sequence, discontinuity, corrupt, receivedAt, wallTime },
  };
}

/** What a ring says of a unit of data; its encoding is the track's. */
export function dataRecord(unit: Omit<DataUnit, "data" | "sequence" | "encoding">, into: RecordInfo = {}): RecordInfo {
  common(unit, into);
  into.dts = unit.pts;
  return into;
}

/** The unit of data that a record is. */
export function dataUnitOf(meta: RecordMeta, data: Uint8Array, encoding: string): DataUnit {
  const { pts, sequence, corrupt, receivedAt, wallTime } = meta;
  const discontinuity = meta.discontinuity || meta.missed > 0;
  return { encoding, data, pts, sequence, discontinuity, corrupt, receivedAt, wallTime };
}

function common(
  unit: Pick<DataUnit, "pts" | "wallTime" | "receivedAt" | "corrupt" | "discontinuity">,
  into: RecordInfo,
): void {
  into.pts = unit.pts;
  into.wallTime = unit.wallTime;
  into.receivedAt = unit.receivedAt;
  into.corrupt = unit.corrupt;
  into.discontinuity = unit.discontinuity;
}
