import { VirtualCamera } from "../../camera/mod.ts";
import { say, toldToEnd } from "./told_to_end.ts";

/*
 * camera_process.ts CLIP NAME…: plays a clip as a camera of each name, and says their addresses. May listen on this
 * machine's own address and read the clip, and nothing else.
 */

const [clip, ...names] = Deno.args;
const end = toldToEnd();
await using camera = await VirtualCamera.start({ files: Object.fromEntries(names.map((name) => [name, clip])) });
say({ urls: camera.urls });
await end;
