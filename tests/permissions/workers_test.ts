import { assert, assertEquals } from "@std/assert";
import { decode, openRtsp, scale, serveRtsp, ShmWriter } from "../../mod.ts";
import { libraryPath } from "../../ffi/load.ts";
import { VirtualCamera } from "../../src/camera/mod.ts";
import { WORKER_PERMISSIONS, type WorkerKind } from "../../workers/permissions.ts";
import type { Attempts } from "../analysis/fixtures/reaches_out.ts";
import { shortClip } from "../support/clips.ts";
import type { ProbeTargets } from "./probe.ts";

/** Deno covers none of these with a permission. An analysis runs in a process of its own for that; here runs no one else's code. */
const UNCOVERED = [
  "signal itself",
  "know where it runs",
  "know what runs it",
  "write to the cache",
  "write to the cache in a thread",
  "use the graphics card",
];

for (const kind of Object.keys(WORKER_PERMISSIONS) as WorkerKind[]) {
  Deno.test(`what runs with the permissions of the ${kind} worker reaches nothing else`, async () => {
    const library = await libraryPath();
    const folder = await Deno.makeTempDir();
    const secret = `${folder}/secret.json`;
    await Deno.writeTextFile(secret, '{"password":"1234"}');
    let visits = 0;
    await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, () => {
      visits++;
      return new Response("export {}", { headers: { "content-type": "text/javascript" } });
    });
    const own = new URL("./probe.ts", import.meta.url);
    const targets: ProbeTargets = {
      ...{ secret, folder, library, own: own.pathname, port: server.addr.port, pid: Deno.ppid },
    };
    const worker = new Worker(own, {
      type: "module",
      deno: { permissions: WORKER_PERMISSIONS[kind]({ library, net: "127.0.0.1:1" }) },
    });
    const { promise, resolve, reject } = Promise.withResolvers<Attempts>();
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message));
    };
    worker.postMessage(targets);
    const outcomes = await promise;
    worker.terminate();

    const callsLibrary = ["ingest", "tls", "egress"].includes(kind);
    const reached = Object.entries(outcomes).filter(([name, outcome]) =>
      outcome.startsWith("got: ") && !UNCOVERED.includes(name) && !(callsLibrary && name === "call the library")
    );
    assertEquals(reached, []);
    assertEquals(outcomes["call the library"].startsWith("got: "), callsLibrary);
    assert(Object.keys(outcomes).length > 65, "attempts");
    assertEquals(visits, 0);
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["secret.json"]);
    await Deno.remove(folder, { recursive: true });
  });
}

Deno.test("every thread from a camera to shared memory is started with the permissions of the table", async () => {
  const library = await libraryPath();
  const started: [string, Deno.PermissionOptions | undefined][] = [];
  const Original = globalThis.Worker;
  globalThis.Worker = class extends Original {
    constructor(specifier: string | URL, options?: WorkerOptions) {
      super(specifier, options);
      started.push([options!.name!, options!.deno?.permissions]);
    }
  };
  try {
    await using server = await VirtualCamera.start({ files: { street: await shortClip() } });
    await using camera = await openRtsp(server.url("street"));
    await using frames = camera.video.branch().pipe(decode());
    const shape = { width: 32, height: 24, format: "GRAY8" } as const;
    await using ring = await ShmWriter.create(`permissions-${Deno.pid}`, shape);
    const small = frames.branch().pipe(scale(shape));
    const writing = small.pipeTo(ring);
    while (small.stats().delivered === 0) await new Promise((done) => setTimeout(done, 10));
    await ring[Symbol.asyncDispose]();
    await writing;
    await using _tcp = await serveRtsp({ port: 0, transports: ["tcp"] });
    await using _both = await serveRtsp({ port: 0 });
  } finally {
    globalThis.Worker = Original;
  }
  const kinds = ["decode", "egress", "ingest"] as const;
  assertEquals(
    started.sort(([a], [b]) => a.localeCompare(b)),
    [
      ...kinds.map((kind) => [`millrace-${kind}`, WORKER_PERMISSIONS[kind]({ library })]),
      // Whoever serves over TCP alone has one address; datagrams go to clients wherever they are.
      ["millrace-serve", { ...WORKER_PERMISSIONS.decode({}), net: ["127.0.0.1:0"] }],
      ["millrace-serve", { ...WORKER_PERMISSIONS.decode({}), net: "inherit" }],
    ] as typeof started,
  );
});
