/// <reference lib="deno.worker" />
import reachOut, { type Attempts, type Targets } from "../analysis/fixtures/reaches_out.ts";

/*
 * Run in place of a worker's entry file, with its permissions: tries what code in that thread could try, and says what
 * came of it.
 */

/** What the test has prepared, and the one library that some threads may call. */
export interface ProbeTargets extends Targets {
  library: string;
}

const SYMBOLS = { getpid: { parameters: [], result: "i32" } } as const;

function attempts({ library, folder }: ProbeTargets): Record<string, () => unknown> {
  return {
    "call the library": () => Deno.dlopen(library, {}).close(),
    "load another library": () => Deno.dlopen("libc.so.6", SYMBOLS),
    "load another library by its path": () => Deno.dlopen("/lib/x86_64-linux-gnu/libc.so.6", SYMBOLS),
    "load what lies beside the library": () => Deno.dlopen(library.replace(/[^/]*$/, "other.so"), {}),
    "load another library through a path": () =>
      Deno.dlopen(`${library}/../../../../lib/x86_64-linux-gnu/libc.so.6`, {}),
    "read memory by its address": () => new Deno.UnsafePointerView(Deno.UnsafePointer.create(4096n)!).getUint8(),
    "make a callback": () => new Deno.UnsafeCallback({ parameters: [], result: "void" }, () => {}),
    "read the library": () => Deno.readFileSync(library),
    "read memory of the process": () => Deno.openSync("/proc/self/mem"),
    "list shared memory": () => [...Deno.readDirSync("/dev/shm")].length,
    "know where it runs": () => Deno.cwd(),
    "know what runs it": () => Deno.execPath(),
    "look at a file": () => Deno.statSync("/etc/passwd"),
    "follow a link": () => Deno.readLinkSync("/proc/self/exe"),
    "remove a folder": () => Deno.removeSync(folder, { recursive: true }),
    "rename a folder": () => Deno.renameSync(folder, `${folder}-taken`),
    "link to a file": () => Deno.symlinkSync("/etc/passwd", `${folder}/link`),
    "change a file's mode": () => Deno.chmodSync(folder, 0o777),
    "list the environment": () => Deno.env.toObject(),
    "set a variable": () => Deno.env.set("PATH", "/tmp"),
    "know the network": () => Deno.networkInterfaces(),
    "know the system": () => Deno.osRelease(),
    "know the load": () => Deno.loadavg(),
    "know the memory": () => Deno.systemMemoryInfo(),
    "know the user": () => Deno.uid(),
    "know the system as Node": async () => (await import("node:os")).hostname(),
    "listen as Node": async () => {
      const { createServer } = await import("node:net");
      return await new Promise((resolve, reject) => {
        const server = createServer();
        server.on("error", reject);
        server.listen(0, () => server.close(resolve));
      });
    },
    "connect to a socket file": () => Deno.connect({ transport: "unix", path: "/run/docker.sock" }),
    "signal itself": () => Deno.kill(Deno.pid, "SIGCONT"),
  };
}

self.onmessage = async ({ data }: MessageEvent<ProbeTargets>) => {
  const outcomes: Attempts = await reachOut(null, { parameters: data, emit: () => {} });
  for (const [name, attempt] of Object.entries(attempts(data))) {
    try {
      outcomes[name] = `got: ${String(await attempt()).slice(0, 80)}`;
    } catch (error) {
      outcomes[name] = (error as Error).name;
    }
  }
  self.postMessage(outcomes);
  self.close();
};
