import { assert, assertEquals } from "@std/assert";
import { ENTRIES, hostsOf } from "./entries.ts";

const context = (...args: string[]) => ({
  args,
  library: "/cache/lib.so",
  project: "/project",
  cache: "/cache",
  deno: "/bin/deno",
});
const permissions = (...args: string[]) => ENTRIES.millrace.permissions(context(...args));

Deno.test("hostsOf() finds the host of an address, whatever its password is", () => {
  assertEquals(
    hostsOf([
      "rtsp://u:p@ss#1!@10.0.0.1:8554/a",
      "rtsp://u:a/b@10.0.0.2/",
      "--camera=rtsp://cam.local/h264?x=1",
      "file.mp4",
    ]),
    [
      "10.0.0.1:8554",
      "10.0.0.2:554",
      "cam.local:554",
    ],
  );
  assertEquals(hostsOf(["rtsp://[fe80::1]/a", "rtsp://[::1]:80/"]), ["[fe80::1]:554", "[::1]:80"]);
  assertEquals(hostsOf(["rtsps://a/", "cam=http://b/flv?user=x&password=p@ss", "https://c/flv", "http://d:81/"]), [
    "a:322",
    "b:80",
    "c:443",
    "d:81",
  ]);
  // More hosts than one cannot be smuggled into one permission.
  assertEquals(hostsOf(["rtsp://a,b/"]), []);
});

Deno.test("a command may reach only what its command line names", () => {
  assert(permissions("probe", "rtsp://10.0.0.1/x").includes("--allow-net=10.0.0.1:554"));
  assert(!permissions("probe").some((option) => option.startsWith("--allow-net")));
  assert(permissions("decode", "a.mp4").includes("--allow-read=/project,/cache,a.mp4"));
  assert(!permissions("decode", "a.mp4").some((option) => /^--allow-(ffi|net|run|write)/.test(option)));
  assert(permissions("shm", "list").includes("--allow-ffi=/cache/lib.so"));
  assert(permissions("shm", "read", "a", "--out", "a.rgb").includes("--allow-write=a.rgb"));
  const serving = (...more: string[]) =>
    permissions("serve", "yard=rtsp://10.0.0.1/x", ...more).find((option) => option.startsWith("--allow-net"));
  assertEquals(serving(), "--allow-net=10.0.0.1:554,127.0.0.1");
  assertEquals(serving("--transport=tcp", "--port", "99"), "--allow-net=10.0.0.1:554,127.0.0.1:99");
  assertEquals(serving("--transport", "tcp", "--host", "::"), "--allow-net=10.0.0.1:554,[::]:8554");
  assertEquals(serving("--host=a,b", "--transport=tcp"), "--allow-net=10.0.0.1:554");
  // Over UDP it sends to clients, wherever they are.
  assertEquals(serving("--host", "0.0.0.0"), "--allow-net");
  // A description says where its stream comes, and is read by who plays it.
  const playing = (...args: string[]) =>
    permissions(...args).filter((option) => /^--allow-(net|read|ffi)/.test(option)).join(" ");
  const described = (paths: string) => `--allow-read=/project,/cache,${paths} --allow-ffi=/cache/lib.so --allow-net`;
  assertEquals(playing("decode", "a.sdp", "--frames", "2"), described("a.sdp"));
  assertEquals(playing("serve", "yard=b/c.sdp"), described("b/c.sdp,yard=b/c.sdp"));
  for (const words of [["--camera=a.sdp"], ["--camera", "a.sdp"]]) {
    assertEquals(playing("demo", ...words), described("a.sdp"));
  }
  assert(permissions("decode", "rtsp://10.0.0.1/", "--password", "a.sdp").includes("--allow-net=10.0.0.1:554"));
  const asking = (line: string) =>
    permissions("discover", ...line.split(" ")).find((option) => option.startsWith("--allow-net"));
  assertEquals(asking("10.0.0.1 --user a --password 10.0.0.2"), "--allow-net=10.0.0.1");
  assertEquals(
    asking("--json http://cam.local:8080/onvif/device_service fe80::1 [::1]:80"),
    "--allow-net=cam.local,[fe80::1],[::1]",
  );
  assertEquals(asking("--seconds 5"), "--allow-net");
  assert(!permissions("shm", "read", "a", "--out=-").some((option) => option.startsWith("--allow-write")));
});

Deno.test("a camera without a file has its clip made, whatever the values of its options look like", () => {
  const wants = (line: string) => ENTRIES.millrace.wants(["camera", ...line.split(" ").filter((word) => word !== "")]);
  for (const line of ["", "--host 10.0.0.1 --port 8554", "--password a.mp4", "--drop 0.5 --debug", "--host=10.0.0.1"]) {
    assertEquals(wants(line), ["clip"], line);
  }
  for (const line of ["a.mp4", "--port 0 street", "--debug a.h264", "--host=10.0.0.1 a.mp4", "a.mp4 --seconds 0.5"]) {
    assertEquals(wants(line), [], line);
  }
});

Deno.test("no command may do everything of a kind, but the camera, which listens, and the search for cameras", () => {
  const wide = ["camera", "discover"];
  for (
    const args of [
      ["camera"],
      ["discover"],
      ["discover", "a"],
      ["probe", "rtsp://a/"],
      ["serve", "rtsp://a/"],
      ["decode", "a"],
      ["shm", "list"],
      [
        "demo",
      ],
      ["--help"],
    ]
  ) {
    for (const option of permissions(...args)) {
      assert(option.includes("=") || wide.includes(args[0]) && option === "--allow-net", `${args} has ${option}`);
      assert(!/^(-A|--allow-all)/.test(option));
    }
  }
});

Deno.test("help needs no set-up", () => {
  for (const args of [[], ["--help"], ["decode", "--help"], ["help", "shm"], ["--version"]]) {
    assertEquals(ENTRIES.millrace.wants(args), []);
  }
  assertEquals(ENTRIES.demo.wants(["--help"]), []);
  assertEquals(ENTRIES.demo.wants(["--seconds", "5"]), ["library", "wasm", "clip"]);
});
