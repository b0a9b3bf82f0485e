import { assert, assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { seededRandom } from "../camera/faults.ts";
import { makeClip } from "../camera/mod.ts";
import { decode, scale } from "../decode/mod.ts";
import { readVideoFile, type VideoFile } from "../file/mod.ts";
import type { AccessUnit, Frame, FrameFeed } from "../media/mod.ts";
import { FileSource } from "../../tests/support/file_source.ts";
import { encodedFeed } from "./mod.ts";
import { repeated } from "./testing.ts";

const CAMERAS = 5;
const ROUNDS = 2;
const SMALL = { width: 64, height: 48, format: "RGB24" } as const;
const CACHE = decodeURIComponent(new URL("../../.millrace/build", import.meta.url).pathname);

const md5 = (frame: Frame) => createHash("md5").update(frame.copy()).digest("hex");

/** What each picture of a file is, as this thread decodes it by itself. */
async function expectedOf(file: VideoFile): Promise<{ whole: string[]; small: string[] }> {
  async function* units(): AsyncGenerator<AccessUnit> {
    for (const [sequence, unit] of file.units.entries()) {
      yield { ...unit, codec: "h264", corrupt: false, sequence, generation: 0, receivedAt: 0, wallTime: null };
    }
  }
  const whole: string[] = [], small: string[] = [];
  for await (using frame of decode()(units())) whole.push(md5(frame));
  for await (using scaled of scale(SMALL)(decode()(units()))) small.push(md5(scaled));
  return { whole, small };
}

Deno.test("no frame is another camera's, another picture, or memory that was used anew while it was held", async () => {
  const random = seededRandom(20);
  const files: VideoFile[] = [];
  for (let mark = 0; mark < CAMERAS; mark++) {
    const clip = { width: 192, height: 144, rate: 50, seconds: 1, bitRate: 500_000, gop: 5, mark };
    files.push(await readVideoFile(await makeClip({ cacheDir: CACHE, ...clip })));
  }
  const expected = await Promise.all(files.map(expectedOf));
  const sources = files.map((file, i) => new FileSource(repeated(file, ROUNDS), 512, i));
  const decoded = sources.map((source) => encodedFeed(source).branch({ capacity: 500 }).pipe(decode()));
  let seen = 0;

  /** Holds each frame for a while, by one lease or several, and looks at it when it comes and when it goes. */
  const read = async (feed: FrameFeed, camera: number, kind: "whole" | "small") => {
    const held: { frame: Frame; hash: string; until: number }[] = [];
    const letGo = (all: boolean) => {
      for (const entry of held.filter(({ until }) => all || until <= seen)) {
        assertEquals(md5(entry.frame), entry.hash, "the frame changed while it was held");
        entry.frame[Symbol.dispose]();
        held.splice(held.indexOf(entry), 1);
      }
    };
    let last = -1;
    for await (const frame of feed) {
      seen++;
      const hash = md5(frame);
      const hashes = expected[camera][kind];
      assertEquals([frame.streamId, hash], [camera, hashes[frame.sequence % hashes.length]]);
      assert(frame.sequence > last);
      last = frame.sequence;
      held.push({ frame, hash, until: seen + Math.floor(random() * 100) });
      if (random() < 0.2) held.push({ frame: frame.clone(), hash, until: seen + Math.floor(random() * 200) });
      letGo(false);
      if (random() < 0.3) await new Promise((done) => setTimeout(done, random() * 10));
    }
    letGo(true);
  };
  const reading = decoded.flatMap((feed, camera) => [
    read(feed.branch({ capacity: 2 + camera }), camera, "whole"),
    read(feed.branch({ capacity: 3, overflow: "drop-newest" }), camera, "whole"),
    read(feed.branch().pipe(scale(SMALL)), camera, "small"),
  ]);
  while (sources.some((source) => source.push(1))) {
    for (const source of sources) if (random() < 0.5) source.push(Math.floor(random() * 3));
    await new Promise((done) => setTimeout(done, 10));
  }
  for (const source of sources) source.end();
  await Promise.all(reading);
  assert(seen > 500, `only ${seen} frames came`);
  await Promise.all(decoded.map((feed) => feed[Symbol.asyncDispose]()));
});
