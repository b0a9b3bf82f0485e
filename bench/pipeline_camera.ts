import { VirtualCamera } from "../src/camera/mod.ts";
import { say, toldToEnd } from "../src/cli/demo/told_to_end.ts";
import { readVideoFile } from "../src/file/mod.ts";
import { now } from "../src/media/mod.ts";

/* pipeline_camera.ts CLIP: the camera of bench/pipeline.ts; says of every picture when it began to send it. */

/** What it says: first its address, then of each picture its number in the clip and Unix milliseconds. */
export type CameraSaid = { url: string } | { picture: number; at: number };

if (import.meta.main) {
  const end = toldToEnd();
  const clip = await readVideoFile(Deno.args[0]);
  let playing = false;
  const units = clip.units.map((unit, picture) => {
    const { data } = unit;
    // The player takes the bytes out of the file when they are due, right before it sends them.
    return {
      ...unit,
      get data() {
        if (playing) say({ picture, at: now() } satisfies CameraSaid);
        return data;
      },
    };
  });
  await using camera = await VirtualCamera.start({ files: { clock: { ...clip, units } } });
  playing = true;
  say({ url: camera.url("clock") } satisfies CameraSaid);
  await end;
}
