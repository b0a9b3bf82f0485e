import { assertEquals } from "@std/assert";
import { shortClip } from "../../tests/support/clips.ts";
import { RawClient } from "./testing.ts";

const PROJECT = decodeURIComponent(new URL("../../", import.meta.url).pathname);

Deno.test("a camera with more clients than it may have sockets serves the next ones when some are gone", async () => {
  const clip = await shortClip();
  const command = [Deno.execPath(), "run", "-A", "--quiet", "--no-lock", `${PROJECT}src/cli/main.ts`, "camera", clip];
  await using child = new Deno.Command("sh", {
    args: ["-c", 'ulimit -n 64 && exec "$@"', "sh", ...command],
    cwd: PROJECT,
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const url = (await reader.read()).value!.trim();
  const port = Number(new URL(url.replace("rtsp:", "http:")).port);
  // The system takes connections that the program cannot: they wait.
  const clients = await Promise.all(Array.from({ length: 90 }, () => RawClient.connect(port)));
  await new Promise((done) => setTimeout(done, 200));
  await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
  await using next = await RawClient.connect(port);
  assertEquals((await next.ask("DESCRIBE", url)).status, 200);
  child.kill("SIGTERM");
  await reader.cancel();
  assertEquals([(await child.status).code, await new Response(child.stderr).text()], [0, ""]);
});
