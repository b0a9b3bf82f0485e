import { assertEquals, assertMatch } from "@std/assert";
import { startOnvifDevice } from "../support/onvif_device.ts";
import { freePort } from "../support/ports.ts";
import { millrace } from "./command.ts";

const CREDENTIALS = { username: "admin", password: "s3cr#t" };
const FLAGS = ["--user", CREDENTIALS.username, "--password", CREDENTIALS.password];

Deno.test("millrace discover shows the streams of the cameras that it is told, and never a password", async () => {
  const uri = "rtsp://admin:s3cr#t@{host}:554/{token}";
  await using device = startOnvifDevice({ ...CREDENTIALS, clockOffset: -90_000, uri });
  const { code, stdout, stderr } = await millrace("discover", device.address, ...FLAGS);
  assertEquals([code, stderr], [0, ""]);
  const [head, clock, headings, main, sub] = stdout.split("\n");
  assertEquals(head, `http://${device.address}/onvif/device_service  Acme Eye & Ear`);
  assertMatch(clock, /^ {2}its clock is (89|90|91) s behind this machine's$/);
  assertEquals(headings, "  STREAM    CODEC  SIZE       RATE         ADDRESS");
  assertEquals(main, "  Main <1>  H264   2560x1440  25 a second  rtsp://admin:***@127.0.0.1:554/main");
  assertMatch(sub, /^ {2}Sub +H264 +640x360 /);
  const json = await millrace("discover", device.address, ...FLAGS, "--json");
  assertEquals(JSON.parse(json.stdout).streams[1].url, "rtsp://admin:s3cr#t@127.0.0.1:554/sub");
});

Deno.test("millrace discover says which cameras did not answer, and why", async () => {
  await using device = startOnvifDevice(CREDENTIALS);
  const gone = `127.0.0.1:${freePort()}`;
  const alone = await millrace("discover", gone);
  assertEquals(alone.code, 1);
  assertMatch(alone.stderr, /^Cannot ask 127\.0\.0\.1:\d+ for GetSystemDateAndTime: nothing listens on port \d+\n$/);
  const several = await millrace("discover", gone, device.address, ...FLAGS);
  assertEquals(several.code, 1);
  assertMatch(several.stdout, /Acme/);
  assertMatch(several.stderr, /nothing listens.*\n1 of 2 cameras did not say what they have\n$/);
  const anonymous = await millrace("discover", device.address);
  assertMatch(anonymous.stderr, /^Cannot ask .* none were given; give --user and --password\n$/);
  for (
    const [args, says] of [
      [["a b"], 'Cannot ask a device: "a b" is no address\n'],
      [["--user", "a"], "Name the cameras that --user is for\n"],
      [["a", "--password", "b"], "Give --user with --password\n"],
    ] as const
  ) {
    const { code, stderr } = await millrace("discover", ...args);
    assertEquals([code > 0, stderr], [true, says]);
  }
});

Deno.test("millrace discover looks around without knowing anybody, and says what it found", async () => {
  const { code, stdout, stderr } = await millrace("discover", "--seconds", "0.5");
  assertEquals(code, 0, stderr);
  assertMatch(stdout + stderr, /^(ADDRESS +NAME|No camera answered; )/);
});
