import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  createRing,
  HEADER,
  type ReadMode,
  ringBytes,
  type RingOptions,
  RingReader,
  RingWriter,
  SharedRingMemory,
} from "../../src/ring/mod.ts";
import { Crash, SteppingMemory } from "./stepping_memory.ts";

const CELLS: RingOptions = { kind: "bytes", policy: "fixed", slots: 3, cellBytes: 192 };
const ARENA: RingOptions = { kind: "bytes", policy: "variable", slots: 4, arenaBytes: 512 };

/** Every byte of record s is s, and its size follows from s, so that a mixture of two records is known. */
const sizeOf = (sequence: number) => 1 + (sequence * 67) % 190;
const payloadOf = (sequence: number) => new Uint8Array(sizeOf(sequence)).fill(sequence + 1);

/** A reader under test, with what it must get next at the earliest. */
class ModelReader {
  readonly #reader: RingReader;
  readonly #into = new Uint8Array(256);
  #last = -1;
  #peeked = -1;
  delivered = 0;

  constructor(memory: SharedRingMemory, start: "oldest" | "latest" | "new") {
    this.#reader = new RingReader(memory, { start });
    this.#last = this.#reader.cursor - 1;
  }

  /** One read, start to end. */
  read(mode: ReadMode): void {
    this.peek(mode);
    this.finish();
  }

  /** The first half of a read: the writer may go on before the second. */
  peek(mode: ReadMode): void {
    this.#peeked = -1;
    const meta = this.#reader.peek(mode);
    if (!meta) return;
    assert(meta.sequence < this.#reader.head && meta.sequence > this.#last, `${meta.sequence} after ${this.#last}`);
    this.#peeked = meta.sequence;
  }

  finish(): void {
    const sequence = this.#peeked;
    if (sequence < 0) return;
    this.#peeked = -1;
    this.#into.fill(0);
    if (!this.#reader.read(this.#into)) return;
    assertEquals(this.#into.slice(0, sizeOf(sequence) + 1), Uint8Array.of(...payloadOf(sequence), 0));
    this.#last = sequence;
    this.delivered++;
  }

  /** With the writer at rest, whatever was published last must be there. */
  settle(head: number, published: number): void {
    for (let i = 0; i < 64 && this.#reader.behind > 0; i++) this.read("every");
    assertEquals([this.#reader.behind, this.#reader.head], [0, head]);
    if (published > 0) assert(this.#last <= head - 1);
  }
}

/** A ring, its writer's memory, and readers that may act between any two of the writer's stores. */
class System {
  readonly memory: SharedRingMemory;
  readonly stepping: SteppingMemory;
  writer: RingWriter;
  readonly readers: ModelReader[] = [];

  constructor(options: RingOptions) {
    this.memory = new SharedRingMemory(new SharedArrayBuffer(ringBytes(options)));
    createRing(this.memory, options);
    this.stepping = new SteppingMemory(this.memory);
    this.writer = RingWriter.adopt(this.stepping);
    this.readers.push(new ModelReader(this.memory, "oldest"));
  }

  /** Writes one record; `act(n)` happens before the writer's n-th store. Answers the number of stores. */
  write(act: (step: number) => void): number {
    let steps = 0;
    this.stepping.onStore = () => act(steps++);
    try {
      this.writer.write({}, payloadOf(this.writer.head));
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      this.stepping.onStore = () => {};
      this.writer = RingWriter.adopt(this.stepping);
    } finally {
      this.stepping.onStore = () => {};
    }
    return steps;
  }
}

for (const options of [CELLS, ARENA]) {
  Deno.test(`a writer that dies between any two stores leaves a ring that is read on and written on [${options.policy}]`, () => {
    const full = new System(options);
    for (let i = 0; i < 10; i++) full.write(() => {});
    const steps = full.write(() => {});
    assertEquals(steps, 10);
    let published = 0;
    for (let fill = 0; fill < 10; fill++) {
      for (let crash = 0; crash < steps; crash++) {
        const system = new System(options);
        for (let i = 0; i < fill; i++) system.write(() => {});
        const half = new ModelReader(system.memory, "oldest");
        half.peek("latest");
        system.write((step) => {
          if (step === crash) throw new Crash();
        });
        const { head } = system.writer;
        assert(head === fill || head === fill + 1);
        published += head - fill;
        half.finish();
        for (const start of ["oldest", "latest", "new"] as const) {
          new ModelReader(system.memory, start).settle(head, head);
        }
        half.settle(head, head);
        for (let i = 0; i < 8; i++) {
          system.write(() => half.read("every"));
          const late = new ModelReader(system.memory, "latest");
          late.read("latest");
          assertEquals(late.delivered, 1);
        }
        half.settle(head + 8, 8);
      }
    }
    assert(published > 0);
  });

  Deno.test(`readers never get a mixture of two records, wherever the writer is [${options.policy}]`, () => {
    let delivered = 0;
    const step = fc.record({
      reader: fc.nat(3),
      what: fc.constantFrom("peek latest", "peek every", "finish", "finish", "read latest", "read every", "none"),
    });
    const command = fc.oneof(
      {
        weight: 8,
        arbitrary: fc.record({ kind: fc.constant("write" as const), steps: fc.array(step, { maxLength: 16 }) }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ kind: fc.constant("crash" as const), steps: fc.array(step, { maxLength: 13 }) }),
      },
      {
        weight: 2,
        arbitrary: fc.record({
          kind: fc.constantFrom("join-new", "join-latest", "join-oldest"),
          steps: fc.constant([]),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ kind: fc.constant("idle" as const), steps: fc.array(step, { maxLength: 6 }) }),
      },
    );
    fc.assert(
      fc.property(fc.array(command, { minLength: 1, maxLength: 40 }), (commands) => {
        const system = new System(options);
        const { readers } = system;
        const act = ({ reader, what }: { reader: number; what: string }) => {
          const model = readers[reader % readers.length];
          const [verb, mode] = what.split(" ");
          if (verb === "peek") model.peek(mode as ReadMode);
          else if (verb === "read") model.read(mode as ReadMode);
          else if (verb === "finish") model.finish();
        };
        for (const { kind, steps } of commands) {
          if (kind === "write") system.write((at) => steps[at] && act(steps[at]));
          else if (kind === "crash") {
            system.write((at) => {
              if (at >= steps.length) throw new Crash();
              act(steps[at]);
            });
          } else if (kind === "idle") steps.forEach(act);
          else if (readers.length < 4) {
            readers.push(new ModelReader(system.memory, kind.slice(5) as "new" | "latest" | "oldest"));
          }
        }
        for (const reader of readers) {
          reader.finish();
          reader.settle(system.writer.head, 0);
          delivered += reader.delivered;
        }
      }),
      { numRuns: 600 },
    );
    assert(delivered > 2_000, `${delivered} records delivered`);
  });
}

Deno.test("the model's readers notice a writer that touches bytes without raising `oldest` first", () => {
  const torn = (sabotage: boolean) => {
    const system = new System(CELLS);
    const { stepping } = system;
    const store = stepping.store64.bind(stepping);
    // Neither `oldest` nor the slot's 0 tells readers that the bytes change.
    if (sabotage) {
      stepping.store64 = (offset, value) => offset === HEADER.oldest || value === 0 ? undefined : store(offset, value);
    }
    for (let i = 0; i < 30; i++) {
      const reader = new ModelReader(system.memory, "oldest");
      reader.peek("every");
      try {
        system.write((step) => step === 3 && reader.finish());
      } catch {
        return true;
      }
    }
    return false;
  };
  assertEquals([torn(false), torn(true)], [false, true]);
});
