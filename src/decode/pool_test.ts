import { assertEquals } from "@std/assert";
import { FileSource } from "../../tests/support/file_source.ts";
import { largeClip, shortClip } from "../../tests/support/clips.ts";
import { readVideoFile } from "../file/mod.ts";
import { until } from "../feed/testing.ts";
import { LeaseQueue } from "./lease_queue.ts";
import { PooledDecoder } from "./pool.ts";

const CORES = navigator.hardwareConcurrency;

/** A decoder in the pool with a reader that wants every picture, and looks at none. */
async function attach(stack: AsyncDisposableStack, source: FileSource): Promise<PooledDecoder> {
  const decoder = await PooledDecoder.attach(source, { capacity: 256, step: { frames: "all" } });
  stack.defer(() => decoder.close());
  decoder.addJob([], {
    ...{ kind: "queue", overflow: "drop-oldest" },
    ...{ queue: new LeaseQueue({ capacity: 2 }).buffer, bell: new SharedArrayBuffer(8) },
  });
  await until(() => source.wakesFor("others"));
  return decoder;
}

Deno.test({
  name: "large pictures get a second thread where a core is free, for as long as it is, and lose nothing by it",
  // With more cores than that it would take as many cameras to need one.
  ignore: CORES < 2 || CORES > 8,
  fn: async () => {
    await using stack = new AsyncDisposableStack();
    const file = await readVideoFile(await largeClip());
    const source = new FileSource(file);
    const decoder = await attach(stack, source);
    const { worker } = decoder;
    const push = async (count: number) => {
      source.push(count);
      await until(() => decoder.stats().frames === source.pushed);
    };
    assertEquals(worker.helped, false);
    await push(1);
    await until(() => worker.helped);
    await push(3);

    const others = new AsyncDisposableStack();
    const small = await readVideoFile(await shortClip());
    for (let i = 1; i < CORES; i++) await attach(others, new FileSource(small));
    await until(() => !worker.helped);
    await push(2);
    assertEquals(worker.helped, false);

    // A core is free again.
    await others[Symbol.asyncDispose]();
    await until(() => worker.helped);
    await push(2);
    const { errors, traps, corrupt, frames } = decoder.stats();
    assertEquals({ errors, traps, corrupt, frames }, { errors: 0, traps: 0, corrupt: 0, frames: 8 });
    await decoder.close();
    await until(() => !worker.helped);
  },
});
