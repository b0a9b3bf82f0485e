import { VirtualCamera } from "../src/camera/mod.ts";
import { say, toldToEnd } from "../src/cli/demo/told_to_end.ts";

/* The cameras of bench/soak.ts: plays each clip as a camera of its own. */

const end = toldToEnd();
const files = Object.fromEntries(Deno.args.map((clip, i) => [`camera-${i}`, clip]));
await using camera = await VirtualCamera.start({ files });
say({ urls: camera.urls });
await end;
