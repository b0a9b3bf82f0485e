import { assert, assertEquals } from "@std/assert";
import { decode, openRtsp, type OpenRtspOptions, type Warning } from "../../mod.ts";
import { md5 } from "../../wasm/testing.ts";
import { readVideoFile } from "../../src/file/mod.ts";
import { shortClip } from "../support/clips.ts";
import { type Dialogue, readDialogue } from "../support/dialogue.ts";
import { QuirkyCamera } from "../support/quirky_camera.ts";
import { nativeFrames } from "../streams/streams.ts";

const clip = await shortClip();
const file = await readVideoFile(clip);
const expected = await nativeFrames(clip);
const PICTURES = 4;
/** How long a device that wants to be kept alive every second is watched, in milliseconds. */
const KEPT_ALIVE = 2_600;
/** Devices that play beside each other. */
const AT_ONCE = 10;

/** Devices whose words lead to no picture, which other tests are about; and one of H.265. */
const NO_PICTURE = ["generic_intercom_describe", "generic_nvr_webport", "reolink_rlc410_describe"];
const names = [...Deno.readDirSync(new URL("../testdata", import.meta.url))].map((entry) => entry.name)
  .filter((name) => name.endsWith(".txt")).map((name) => name.slice(0, -4))
  .filter((name) => !NO_PICTURE.includes(name)).sort();

/** What more there is to see of a device than that its pictures come. */
const MORE: Record<string, (camera: QuirkyCamera) => void> = {
  axis_p1346_options: (camera) => assertEquals(camera.count("GET_PARAMETER"), 0),
  generic_cam_asks: (camera) => assertEquals(camera.answered, [200]),
  hikvision_nvr_announce: (camera) => assertEquals(camera.answered, [200]),
  dahua_ipc_backchannel: (camera) => assertEquals(camera.count("SETUP"), 1),
  generic_nvr_twovideos: (camera) => assertEquals(camera.count("SETUP"), 1),
  generic_nvr_forgets: (camera) => assert(camera.count("PLAY") >= 2),
  generic_nvr_closes: (camera) => assert(camera.count("PLAY") >= 2),
};

/** Takes pictures, decoded, until there are enough and `until` is over; no picture is another than the clip's. */
async function assertPictures(url: string, options: OpenRtspOptions, until: number): Promise<void> {
  const began = performance.now();
  await using camera = await openRtsp(url, options);
  await using frames = camera.video.branch({ capacity: 500 }).pipe(decode());
  let count = 0, at = -1;
  for await (using frame of frames.branch({ capacity: 16, overflow: "block" })) {
    const index = expected.indexOf(md5(frame.copy()));
    assert(index >= 0, `frame ${count} is none of the clip's`);
    const next = (at + 1) % expected.length;
    // Another connection plays from the begin.
    if (at >= 0 && !(index === 0 && camera.stats().connections > 1)) assertEquals(index, next, "the clip's next frame");
    at = index;
    if (++count >= PICTURES && performance.now() - began >= until) break;
  }
  assert(count >= PICTURES, `there were ${count} pictures`);
}

function optionsFor(dialogue: Dialogue, warnings: Warning[]): OpenRtspOptions {
  const { traits } = dialogue;
  return {
    username: traits.get("user") ?? "viewer",
    password: traits.get("password") ?? "s3cret",
    transport: (traits.get("client") ?? "tcp") as OpenRtspOptions["transport"],
    responseTimeout: 1_000,
    firstPacketTimeout: 1_000,
    idleTimeout: 2_000,
    reconnect: { minDelay: 50, maxDelay: 100 },
    onWarning: (warning) => warnings.push(warning),
  };
}

/** Plays a device to a picture, and looks at what it was asked meanwhile. */
async function play(name: string, dialogue: Dialogue): Promise<void> {
  const { traits } = dialogue;
  const warnings: Warning[] = [];
  await using camera = new QuirkyCamera(dialogue, file);
  const until = isWatched(name, dialogue) ? KEPT_ALIVE : 0;
  const sent = () => camera.requests.map(({ method, url }) => `${method} ${url}`).join("\n");
  try {
    await assertPictures(camera.url(traits.get("path") ?? "/live"), optionsFor(dialogue, warnings), until);
  } catch (error) {
    throw new Error(`${(error as Error).message}; it was asked:\n${sent()}`, { cause: error });
  }
  if (until > 0 && traits.has("keep-alive")) assertEquals(camera.count("PLAY"), 1, `was lost:\n${sent()}`);
  MORE[name]?.(camera);
  const password = traits.get("password");
  if (password) assert(!JSON.stringify(warnings).includes(password));
}

function isWatched(name: string, { traits }: Dialogue): boolean {
  return traits.has("keep-alive") || /forgets|closes|mutekeepalive/.test(name);
}

Deno.test("a picture comes of every device, in spite of …", async (t) => {
  const dialogues = await Promise.all(names.map(async (name) => ({ name, dialogue: await readDialogue(name) })));
  // Those that take longest come first, so that none is waited for alone at the end.
  dialogues.sort((a, b) => Number(isWatched(b.name, b.dialogue)) - Number(isWatched(a.name, a.dialogue)));
  const steps = dialogues.values();
  // Steps that run beside each other cannot be watched for what they leave behind; the test around them is.
  const alone = { sanitizeOps: false, sanitizeResources: false, sanitizeExit: false };
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (const { name, dialogue } of steps) {
      const title = `${name}: ${dialogue.title || "what README.md tells of it"}`;
      await t.step({ name: title, ...alone, fn: () => play(name, dialogue) });
    }
  }));
});

Deno.test("there are at least 40 devices with a quirk", () => assert(names.length >= 40, `there are ${names.length}`));
