/** What this folder's tests share: a source that a test fills, and frames whose leases are counted. */
import { readVideoFile, type VideoFile } from "../file/mod.ts";
import { Frame, type FrameInfo, type FrameLease } from "../media/mod.ts";
import { FileSource } from "../../tests/support/file_source.ts";
import { shortClip } from "../../tests/support/clips.ts";
import type { PlannedFeed } from "./planned_feed.ts";

/** A file played so many times in a row. */
export function repeated(file: VideoFile, times: number): VideoFile {
  const length = Math.round(file.units.length * 1e6 / file.frameRate);
  const units = Array.from(
    { length: times },
    (_, round) =>
      file.units.map((unit) => ({ ...unit, pts: unit.pts + round * length, dts: unit.dts + round * length })),
  );
  return { ...file, units: units.flat() };
}

/** A source with fifty pictures, 320x240, a keyframe every ten; or with so many times fifty. */
export async function clipSource(times = 1): Promise<FileSource> {
  return new FileSource(repeated(await readVideoFile(await shortClip()), times), 128 * (times + 1));
}

/** How many entries of its decoder's frame tables somebody holds. */
export async function heldFrames(feed: PlannedFeed): Promise<number> {
  const decoder = await feed.decoding.attached;
  let held = 0;
  for (const [, { table }] of decoder?.worker.instances.entries() ?? []) {
    for (let entry = 0; entry < table.entries; entry++) if (table.holds(entry) > 0) held++;
  }
  return held;
}

/** Makes frames of one grey pixel, and counts who holds them. */
export class FrameMaker {
  /** Leases that are out. */
  held = 0;
  made = 0;

  frame(pts = this.made * 40_000): Frame {
    const info: FrameInfo = {
      ...{ width: 1, height: 1, format: "GRAY8", pts, wallTime: null, receivedAt: 0, keyframe: true, corrupt: false },
      ...{ sequence: this.made, generation: 0, missed: 0, streamId: 0 },
    };
    const data = new Uint8Array([this.made++]);
    return new Frame(info, [{ data, stride: 1, rowBytes: 1, rows: 1 }], this.#lease());
  }

  #lease(): FrameLease {
    this.held++;
    return {
      clone: () => this.#lease(),
      release: () => {
        this.held--;
      },
    };
  }
}

/** How long a test waits for what must come, in milliseconds: far longer than the slowest machine takes. */
const PATIENCE = 60_000;

/** Resolves when something is so; rejects where it never is, so that a test that waits in vain says where. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const began = performance.now();
  while (!await isSo()) {
    if (performance.now() - began > PATIENCE) throw new Error(`It did not become so: ${isSo}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
