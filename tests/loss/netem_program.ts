import { VirtualCamera } from "../../src/camera/mod.ts";
import { nativeFrames } from "../streams/streams.ts";
import { shortClip } from "../support/clips.ts";
import { watch } from "../support/watch.ts";

/* netem_program.ts MILLISECONDS: watches a camera over UDP on the loopback as it is here, and prints what came as its last line. */

const clip = await shortClip();
await using server = await VirtualCamera.start({ files: { street: clip } });
const stream = { expected: await nativeFrames(clip), rate: 50 };
const watched = await watch(server.url("street"), stream, { transport: "udp", milliseconds: Number(Deno.args[0]) });
console.log(JSON.stringify(watched));
