import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { LINK_FLAGS } from "./configuration.ts";
import { BRIDGE_FORMATS, BRIDGE_FUNCTIONS } from "./exports.ts";
import { FfmpegInstance, INITIAL_PAGES, InstanceDeadError, MAXIMUM_PAGES } from "./mod.ts";
import { PIXEL_FORMATS } from "../src/media/mod.ts";
import { testInstance, testModule } from "./testing.ts";

const header = await Deno.readTextFile(new URL("./bridge.h", import.meta.url));
/** The header without its comments. */
const declarations = header.replace(/\/\*[\s\S]*?\*\//g, "");
const PAGE = 65_536;

Deno.test("the sandbox's whole surface is its memory and a line of log", async () => {
  const imports = WebAssembly.Module.imports(await testModule()).map(({ module, name, kind }) => ({
    name: `${module}.${name}`,
    kind,
  }));
  assertEquals(imports.sort((a, b) => a.name < b.name ? -1 : 1), [
    { name: "env.memory", kind: "memory" },
    { name: "millrace.log", kind: "function" },
  ]);
});

Deno.test("the module exports the functions of bridge.h and the constructors, and no other function", async () => {
  const functions = WebAssembly.Module.exports(await testModule()).filter(({ kind }) => kind === "function");
  assertEquals(functions.map(({ name }) => name).sort(), ["__wasm_call_ctors", ...BRIDGE_FUNCTIONS].sort());
});

Deno.test("exports.ts names every function of bridge.h, with as many parameters", async () => {
  const declared = [...declarations.matchAll(/\b(mr_\w+)\(([^)]*)\);/g)].map(([, name, parameters]) => ({
    name,
    parameters: parameters.trim() === "void" ? 0 : parameters.split(",").length,
  }));
  assertEquals(declared.map(({ name }) => name), [...BRIDGE_FUNCTIONS]);

  const instance = await testInstance();
  const exported = instance.call((exports) =>
    BRIDGE_FUNCTIONS.map((name) => ({ name, parameters: (exports[name] as CallableFunction).length }))
  );
  assertEquals(exported, declared);

  const source = await Deno.readTextFile(new URL("./exports.ts", import.meta.url));
  const typed = [...source.matchAll(/^ {2}(mr_\w+)\(([^)]*)\):/gm)].map(([, name, parameters]) => ({
    name,
    parameters: parameters.split(",").filter((parameter) => parameter.trim() !== "").length,
  }));
  const byName = (a: { name: string }, b: { name: string }) => a.name < b.name ? -1 : 1;
  assertEquals(typed.sort(byName), declared.sort(byName));
});

Deno.test("the formats' numbers are those of bridge.h and of src/media", () => {
  const names = declarations.match(/enum \{ MR_OTHER = 0, ([^}]*?) \};/)![1].split(/,\s*/);
  assertEquals(names, BRIDGE_FORMATS.map((name) => `MR_${name}`));
  assertEquals([...PIXEL_FORMATS], [...BRIDGE_FORMATS]);
});

Deno.test("the offsets that bridge.h states are those of its fields", () => {
  const body = header.match(/struct mr_frame \{([\s\S]*?)\n\};/)![1];
  let at = 0;
  for (const line of body.split("\n")) {
    const field = line.match(/^\s*(double|u?int32_t) (\w+)(?:\[(\d+)\])?;(?:\s*\/\*\s*(\d+))?/);
    if (!field) continue;
    const [, type, name, count, stated] = field;
    const bytes = type === "double" ? 8 : 4;
    assertEquals(at % bytes, 0, `${name} is aligned`);
    if (stated !== undefined) assertEquals(Number(stated), at, `offset of ${name}`);
    at += bytes * Number(count ?? 1);
  }
  assertEquals(at, 88);
  assertStringIncludes(header, "88 bytes");
});

Deno.test("the memory begins and ends where the linker was told", async () => {
  const module = await testModule();
  assert(LINK_FLAGS.includes(`--initial-memory=${INITIAL_PAGES * PAGE}`));
  assert(LINK_FLAGS.includes(`--max-memory=${MAXIMUM_PAGES * PAGE}`));
  const small = new WebAssembly.Memory({ initial: INITIAL_PAGES - 1, maximum: MAXIMUM_PAGES, shared: true });
  assertThrows(
    () => new WebAssembly.Instance(module, { env: { memory: small }, millrace: { log() {} } }),
    WebAssembly.LinkError,
  );
});

Deno.test("an instance works in a worker without permissions", async () => {
  const source = `
    import { FfmpegInstance } from ${JSON.stringify(new URL("./mod.ts", import.meta.url).href)};
    onmessage = async ({ data }) => {
      const states = await Promise.all(["read", "write", "net", "env", "run", "ffi", "sys"].map(
        async (name) => (await Deno.permissions.query({ name })).state));
      const instance = await FfmpegInstance.create(data);
      using decoder = instance.decoder("h264");
      postMessage({ states: [...new Set(states)], version: instance.version, memory: instance.memory.buffer });
    };`;
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const worker = new Worker(url, { type: "module", deno: { permissions: "none" } });
  try {
    const reply = await new Promise<MessageEvent>((resolve, reject) => {
      worker.onmessage = resolve;
      worker.onerror = (event) => {
        event.preventDefault();
        reject(new Error(event.message));
      };
      testModule().then((module) => worker.postMessage(module), reject);
    });
    assertEquals(reply.data.states.includes("granted"), false);
    assertStringIncludes(reply.data.version, "5.1");
    assert(reply.data.memory instanceof SharedArrayBuffer);
  } finally {
    worker.terminate();
    URL.revokeObjectURL(url);
  }
});

Deno.test("a trap is a typed error, ends its instance, and no other", async () => {
  const [broken, whole] = [await testInstance(), await testInstance()];
  using decoder = broken.decoder("h264");
  using scaler = broken.scaler({
    source: { width: 16, height: 16, format: "I420" },
    target: { width: 8, height: 8, format: "RGB24" },
  });
  assertEquals(broken.dead, false);
  // A decoder that is none: the bridge follows a pointer out of the memory.
  const error = assertThrows(
    () => broken.call((exports) => exports.mr_decoder_send(0xffff_ff00, 1, 0)),
    InstanceDeadError,
  );
  assert(error.cause instanceof WebAssembly.RuntimeError);
  assertEquals(broken.dead, true);
  assertThrows(() => decoder.send(new Uint8Array(4), 0), InstanceDeadError);
  assertThrows(() => decoder.receive(), InstanceDeadError);
  assertThrows(() => decoder.drain(), InstanceDeadError);
  assertThrows(() => decoder.flush(), InstanceDeadError);
  assertThrows(() => broken.alloc(16), InstanceDeadError);
  assertThrows(() => broken.decoder("mjpeg"), InstanceDeadError);
  assertThrows(() => scaler.run([], []), InstanceDeadError);
  broken.free(64);
  decoder[Symbol.dispose]();

  assertEquals(whole.dead, false);
  assertStringIncludes(whole.version, "5.1");
});

Deno.test("memory that is refused is an error and not the end", async () => {
  const instance = await testInstance({ maximumBytes: INITIAL_PAGES * PAGE });
  assertEquals(instance.alloc(64 << 20), 0);
  assertEquals(instance.memory.buffer.byteLength, INITIAL_PAGES * PAGE);
  const room = instance.alloc(1 << 20);
  assert(room !== 0 && room % 64 === 0);
  instance.free(room);
  assertEquals(instance.dead, false);
});

Deno.test("an instance grows as far as it may and no further", async () => {
  const maximumBytes = 96 << 20;
  const instance = await testInstance({ maximumBytes });
  const rooms: number[] = [];
  for (let room = instance.alloc(8 << 20); room !== 0; room = instance.alloc(8 << 20)) {
    assertEquals(room % 64, 0);
    // Views are of the memory as it is now: the last byte can be reached.
    instance.bytes[room + (8 << 20) - 1] = 0xa5;
    rooms.push(room);
  }
  assert(rooms.length >= 8 && rooms.length <= 12, `${rooms.length} rooms of 8 MiB`);
  assert(instance.memory.buffer.byteLength <= maximumBytes);
  assert(rooms.every((room) => instance.bytes[room + (8 << 20) - 1] === 0xa5), "no two rooms lie on each other");
  for (const room of rooms) instance.free(room);
  const again = instance.alloc(32 << 20);
  assert(again !== 0, "what was freed can be had again, joined");
});

for (const maximumBytes of [0, -1, NaN, INITIAL_PAGES * PAGE - 1]) {
  Deno.test(`an instance of ${maximumBytes} bytes is refused`, async () => {
    const error = await FfmpegInstance.create(await testModule(), { maximumBytes }).then(() => null, (error) => error);
    assert(error instanceof RangeError);
  });
}

Deno.test("FFmpeg's errors have words", async () => {
  const instance = await testInstance();
  assertStringIncludes(instance.errorText(-0x41444e49), "Invalid data found");
  assertStringIncludes(instance.errorText(-0x20464f45), "End of file");
});

Deno.test("a log's reader that throws is reported, and harms nobody", async () => {
  const reported: unknown[] = [];
  const report = (event: ErrorEvent) => {
    event.preventDefault();
    reported.push(event.error);
  };
  const fault = new Error("no more log");
  globalThis.addEventListener("error", report);
  try {
    const onLog = () => {
      throw fault;
    };
    const instance = await testInstance({ onLog, logLevel: "error" });
    using decoder = instance.decoder("mjpeg");
    decoder.send(Uint8Array.from({ length: 256 }, (_, i) => i === 0 ? 0xff : i === 1 ? 0xd8 : i), 0);
    decoder.receive();
    assertEquals(instance.dead, false);
    assert(reported.length > 0 && reported.every((error) => error === fault));
  } finally {
    globalThis.removeEventListener("error", report);
  }
});

Deno.test("log lines come out, and only when asked for", async () => {
  const lines: string[] = [];
  const onLog = (_level: number, line: string) => lines.push(line);
  const garbage = Uint8Array.from({ length: 256 }, (_, i) => i === 0 ? 0xff : i === 1 ? 0xd8 : i);
  for (const logLevel of ["quiet", "error"] as const) {
    const instance = await testInstance({ onLog, logLevel });
    using decoder = instance.decoder("mjpeg");
    assert(decoder.send(garbage, 0) !== "again");
    assertEquals(decoder.receive(), null);
    if (logLevel === "quiet") assertEquals(lines, []);
  }
  assert(lines.some((line) => line.includes("mjpeg")), lines.join("\n"));
});
