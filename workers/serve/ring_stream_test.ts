import { assertEquals } from "@std/assert";
import type { AudioTrackInfo, Warning } from "../../src/media/mod.ts";
import { audioRecord, createRing, ringBytes, SharedRingMemory } from "../../src/ring/mod.ts";
import { soundFormat } from "../../src/serve/send_format.ts";
import { Viewer } from "../../src/serve/viewer.ts";
import { readCounters, STREAM_COUNTERS } from "../serve_protocol.ts";
import { RingStream } from "./ring_stream.ts";

const SOUND: AudioTrackInfo = {
  ...{ codec: "pcmu", clockRate: 8_000, sampleRate: 8_000, channels: 1, config: new Uint8Array(0), codecString: "" },
};

function ringOf(kind: "access-units" | "bytes", slots: number) {
  const shape = { kind, policy: "variable", slots, arenaBytes: 1 << 16 } as const;
  const ring = new SharedArrayBuffer(ringBytes(shape));
  return { ring, writer: createRing(new SharedRingMemory(ring), shape) };
}

/** A stream without pictures, whose sound a test writes, unit by unit of one byte. */
function soundStream(slots: number) {
  const sound = ringOf("bytes", slots);
  const counters = new SharedArrayBuffer(STREAM_COUNTERS.length * Float64Array.BYTES_PER_ELEMENT);
  const warnings: Warning[] = [];
  const stream = new RingStream({
    ...{ path: "door", ring: ringOf("access-units", 8).ring, capacity: 8, corrupt: "skip", info: null },
    ...{ joinAt: "next-keyframe", sound: { ring: sound.ring, info: SOUND }, counters },
  }, { changed: () => {}, warning: (warning) => warnings.push(warning) });
  let count = 0;
  const speak = (units: number, channels = 1) => {
    const format = { codec: "pcmu", duration: 125, sampleRate: 8_000, channels } as const;
    for (let left = units; left > 0; left--) {
      const times = { pts: count * 125, receivedAt: 1_000 + count, wallTime: null };
      sound.writer.write(
        audioRecord({ ...format, ...times, discontinuity: false, corrupt: false }),
        Uint8Array.of(count++),
      );
    }
    stream.pump();
  };
  const stats = () => {
    const { soundDropped, soundSkipped, soundUnsendable } = readCounters(STREAM_COUNTERS, counters);
    return { soundDropped, soundSkipped, soundUnsendable };
  };
  return { stream, speak, stats, warnings };
}

/** One who listens, and what came; `room`: whether it reads. */
function listener() {
  const heard: number[] = [];
  const state = { heard, room: true };
  const viewer = new Viewer({
    ...{ format: soundFormat(SOUND), channels: null },
    sink: {
      hasRoom: () => state.room,
      interleaved: () => {},
      datagram: (kind, packet) => void (kind === "rtp" && heard.push(packet.at(-1)!)),
    },
  });
  return Object.assign(state, { viewer });
}

const NONE = { soundDropped: 0, soundSkipped: 0, soundUnsendable: 0 };

Deno.test("sound of another format than was told is left out, counted for each listener, and said once", () => {
  const { stream, speak, stats, warnings } = soundStream(256);
  const [first, second] = [listener(), listener()];
  speak(10, 2);
  assertEquals([stats(), warnings], [NONE, []], "nobody listens");
  for (const { viewer } of [first, second]) stream.join(viewer);
  speak(3);
  speak(4, 2);
  speak(2);
  speak(1, 2);
  for (const { heard } of [first, second]) assertEquals(heard, [10, 11, 12, 17, 18]);
  assertEquals(stats(), { ...NONE, soundUnsendable: 10 });
  stream.leave(first.viewer);
  assertEquals(stats(), { ...NONE, soundUnsendable: 10 }, "what those had who are gone still counts");
  assertEquals(warnings, [{
    code: "serve-sound-format",
    message: 'Cannot pass on the sound of "door": it is pcmu at 8000 Hz with 2 channels by now, ' +
      "and clients were told pcmu at 8000 Hz with 1 channel",
    at: { path: "door", codec: "pcmu", sampleRate: 8_000, channels: 2 },
    count: 1,
  }]);
});

Deno.test("sound that comes too late, or that a listener has no room for, is counted", () => {
  const { stream, speak, stats } = soundStream(256);
  const one = listener();
  stream.join(one.viewer);
  speak(128);
  speak(200);
  assertEquals([one.heard.length, stats()], [256, { ...NONE, soundDropped: 72 }]);
  one.room = false;
  speak(5);
  assertEquals([one.heard.length, stats()], [256, { ...NONE, soundDropped: 72, soundSkipped: 5 }]);
  const overrun = soundStream(16), other = listener();
  overrun.stream.join(other.viewer);
  overrun.speak(40);
  assertEquals([other.heard, overrun.stats()], [
    Array.from({ length: 16 }, (_, i) => 24 + i),
    { ...NONE, soundDropped: 24 },
  ]);
});
