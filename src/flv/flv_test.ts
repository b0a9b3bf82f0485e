import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { HttpBody } from "./http_body.ts";
import { FlvParser } from "./parser.ts";
import { FlvClientSession } from "./session.ts";
import { readVideoTag } from "./video_tag.ts";
import { WebCredentials } from "./web_credentials.ts";

/** A stream of FLV: each tag's type, time and body. */
function stream(tags: readonly (readonly [type: number, timestamp: number, body: readonly number[]])[]): Uint8Array {
  const bytes = [0x46, 0x4c, 0x56, 1, 5, 0, 0, 0, 9, 0, 0, 0, 0];
  for (const [type, time, body] of tags) {
    const size = body.length;
    bytes.push(type, size >> 16, size >> 8 & 0xff, size & 0xff);
    bytes.push(time >>> 16 & 0xff, time >>> 8 & 0xff, time & 0xff, time >>> 24, 0, 0, 0, ...body, 0, 0, 0, size + 11);
  }
  return new Uint8Array(bytes);
}

/** What a parser finds in bytes that come in pieces; a fault as its message. */
function read(bytes: Uint8Array, cuts: readonly number[] = [], maxTagBytes?: number): unknown[] {
  const found: unknown[] = [];
  const parser = new FlvParser({
    tag: (kind, data, start, end, timestamp) => found.push([kind, timestamp, [...data.subarray(start, end)]]),
    fault: (error) => found.push(error.message.split("FLV, ")[1]),
  }, { maxTagBytes });
  let at = 0;
  for (const cut of [...cuts, bytes.length]) {
    parser.receive(bytes.slice(at, Math.min(bytes.length, at + cut)));
    at = Math.min(bytes.length, at + cut);
  }
  return found;
}

Deno.test("FlvParser finds the same tags wherever the stream is cut", () => {
  const tag = fc.tuple(
    fc.constantFrom(8, 9, 18),
    fc.nat(0xffff_ffff),
    fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 40 }),
  );
  fc.assert(fc.property(fc.array(tag, { maxLength: 6 }), fc.array(fc.nat(30)), (tags, cuts) => {
    const names: Record<number, string> = { 8: "audio", 9: "video", 18: "script" };
    assertEquals(read(stream(tags), cuts), tags.map(([type, time, body]) => [names[type], time, body]));
  }));
});

Deno.test("FlvClientSession.midway is true while the rest of a tag is to come", () => {
  const credentials = new WebCredentials({ username: "", password: "", random: () => {}, basic: "refuse" });
  const times = { responseTimeout: 1_000, firstPacketTimeout: 1_000, idleTimeout: 1_000 };
  const session = new FlvClientSession("http://cam/flv", { ...times, credentials, onMedia: () => {} });
  session.start(0);
  session.receive(new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\n\r\n"), 1);
  const bytes = stream([[18, 0, [1, 2, 3]]]);
  session.receive(bytes.slice(0, -1), 1);
  assertEquals(session.midway, true);
  session.receive(bytes.slice(-1), 1);
  assertEquals([session.midway, session.state], [false, "answered"]);
});

Deno.test("FlvParser says what is no FLV, and holds no more than a tag", () => {
  const text = new TextEncoder();
  assertEquals(read(text.encode("<html>")), ['it begins with "<html>"']);
  assertEquals(read(stream([[7, 0, [1]]])), ["a tag is of type 7"]);
  assertEquals(read(stream([[9, 0, new Array(200).fill(1)]]), [], 100), ["a tag has 200 bytes, 100 are taken"]);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(fc.nat(30)), (bytes, cuts) => {
    const faults = read(new Uint8Array([...stream([]), ...bytes]), cuts, 1000).filter((one) => typeof one === "string");
    assert(faults.length <= 1);
  }));
});

Deno.test("readVideoTag() reads the old form and the enhanced one, and survives any bytes", () => {
  const tag = (...bytes: number[]) => readVideoTag(new Uint8Array(bytes), 0, bytes.length);
  const hvc1 = [0x68, 0x76, 0x63, 0x31];
  assertEquals(tag(0x17, 0, 0, 0, 0, 9), { kind: "configuration", codec: "h264", start: 5, end: 6 });
  const picture = { kind: "picture", keyframe: false, end: 9 } as const;
  assertEquals(tag(0x27, 1, 0xff, 0xff, 0xd8, 1, 2, 3, 4), { ...picture, codec: "h264", delay: -40, start: 5 });
  assertEquals(tag(0x2c, 1, 0, 0, 40, 1, 2, 3, 4), { ...picture, codec: "hevc", delay: 40, start: 5 });
  assertEquals(tag(0x90, ...hvc1, 1), { kind: "configuration", codec: "hevc", start: 5, end: 6 });
  assertEquals(tag(0xa3, ...hvc1, 1, 2, 3, 4), { ...picture, codec: "hevc", delay: 0, start: 5 });
  assertEquals(tag(0xa1, ...hvc1, 0, 0, 40, 1), { ...picture, codec: "hevc", delay: 40, start: 8 });
  // A modification of three bytes (a time in nanoseconds) in front of the picture.
  const modified = tag(0xa7, 2, 1, 2, 3, 0x03, ...hvc1, 9);
  assertEquals(modified, { kind: "picture", codec: "hevc", keyframe: false, delay: 0, start: 10, end: 11 });
  assertEquals(tag(0x14, 0), { kind: "unknown", name: "codec 4" });
  assertEquals(tag(0x90, ...new TextEncoder().encode("av01")), { kind: "unknown", name: "av01" });
  assertEquals([tag(), tag(0x57, 0), tag(0x27, 2, 0, 0, 0)].map(({ kind }) => kind), ["other", "other", "other"]);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
    const found = readVideoTag(bytes, 0, bytes.length);
    if ("start" in found) assert(found.start <= found.end && found.end === bytes.length);
  }));
});

Deno.test("HttpBody takes chunks apart wherever they are cut", () => {
  const run = (text: string, size: number) => {
    let body = "";
    const http = new HttpBody(true, (bytes) => body += new TextDecoder().decode(bytes));
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length; at += size) http.receive(bytes.subarray(at, at + size));
    return [body, http.over];
  };
  for (const size of [1, 2, 5, 100]) {
    assertEquals(run("3\r\nabc\r\nA;x=1\r\n0123456789\r\n0\r\n\r\n", size), ["abc0123456789", "ended"]);
    assertEquals(run("3\r\nabcd\r\n", size), ["abc", "broken"]);
    assertEquals(run("x\r\n", size), ["", "broken"]);
  }
});
