import { assertEquals, assertMatch } from "@std/assert";
import { openRtsp } from "../../mod.ts";
import { VirtualCamera } from "../../src/camera/mod.ts";
import { readVideoFile } from "../../src/file/mod.ts";
import { shortClip } from "../support/clips.ts";
import { FlvServer, PLAYS, tagsOf } from "../support/flv_server.ts";
import { assertPlays, take } from "../support/pictures.ts";
import { freePort } from "../support/ports.ts";
import { launcher, Listener, millrace } from "./command.ts";

const file = await readVideoFile(await shortClip());

Deno.test("millrace serve passes cameras on, says when one goes and comes back, and ends at a signal", async () => {
  const secret = { username: "admin", password: "s3cr#t" };
  await using camera = await VirtualCamera.start({ files: { street: file, yard: file }, ...secret });
  const words = [`entrance=${camera.url("street")}`, camera.url("yard"), `gone=rtsp://127.0.0.1:${freePort()}/x`];
  const credentials = ["--camera-user", secret.username, "--camera-password", secret.password];
  const args = ["serve", ...words, ...credentials, "--port", "0", "--user", "viewer", "--password", "pw"];
  const process = launcher(["millrace", ...args]).spawn();
  const stdout = new Listener(process.stdout), stderr = new Listener(process.stderr);
  const [url] = await stdout.heard(/rtsp:\S+\/entrance(?=\n)/);
  await stdout.heard(/rtsp:\S+\/camera-2(?=\n)/);
  await stderr.heard(/^gone: .*nothing listens on port \d+ .*\n/m);
  {
    await using client = await openRtsp(url, { username: "viewer", password: "pw" });
    assertPlays(await take(client.video.branch(), 20), file);
    await camera.reboot(300);
    await stderr.heard(/^entrance: offline: .*\n(?:.*\n)*entrance: live again\n/m);
    assertEquals((await take(client.video.branch(), 20)).length, 20);
  }
  process.kill("SIGTERM");
  assertEquals((await process.status).code, 0);
  assertEquals((await stdout.all() + await stderr.all()).includes(secret.password), false);
});

Deno.test("millrace serve passes on a camera that sends FLV by HTTP", async () => {
  await using camera = new FlvServer(tagsOf(file, "legacy"), () => ({ head: PLAYS, plays: true }));
  const process = launcher(["millrace", "serve", `http://127.0.0.1:${camera.port}/flv`, "--port", "0"]).spawn();
  const stdout = new Listener(process.stdout), stderr = new Listener(process.stderr);
  const [url] = await stdout.heard(/rtsp:\S+\/camera-1(?=\n)/);
  {
    await using client = await openRtsp(url);
    assertPlays(await take(client.video.branch(), 20), file);
  }
  process.kill("SIGTERM");
  assertEquals([(await process.status).code, await stderr.all()], [0, ""]);
});

Deno.test("millrace serve says in one sentence why there is nothing to serve", async () => {
  await using camera = await VirtualCamera.start({ files: { street: file }, username: "a", password: "b" });
  const refused = await millrace("serve", camera.url("street"), "--port", "0");
  assertEquals(refused.code, 1);
  assertMatch(refused.stderr, /^Cannot open .*asks for a user name and password.*; give --camera-user.*\n$/);
  const both = await millrace("serve", camera.url("street"), `b=${camera.url("street")}`, "--port", "0");
  assertEquals(both.code, 1);
  assertMatch(both.stderr, /^(camera-1|b): .*\n(camera-1|b): .*\nThere is no camera left to serve\n$/);
  const wrong: [string[], RegExp][] = [
    [[], /^Missing required argument 'camera'/],
    [["street.mp4"], /^Cannot read address "street\.mp4": .*; a file is played as a camera by: millrace camera\n$/],
    [["a=rtsp://h/", "a=rtsp://i/"], /^There are two cameras of the name a; give each its own\n$/],
    [["rtsp://h/", "--password", "x"], /^Give --user with --password\n$/],
    [["rtsp://h/", "--port", "70000"], /Option --port .* cannot be '70000': expected an integer from 0 to 65535/],
  ];
  await Promise.all(wrong.map(async ([args, says]) => {
    const { code, stderr } = await millrace("serve", ...args);
    assertMatch(stderr, says);
    assertEquals(code, 2, stderr);
  }));
  await using other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { code, stderr } = await millrace("serve", "rtsp://127.0.0.1:1/", "--port", String(other.addr.port));
  assertEquals([code, stderr], [1, "That port is in use; choose another with --port, or 0 for any free one\n"]);
});
