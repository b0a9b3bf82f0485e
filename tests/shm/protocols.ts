import { Frame, NO_LEASE } from "../../src/media/mod.ts";
import { ShmReader, ShmWriter, type ValkkaReader, type ValkkaWriter } from "../../src/shm/mod.ts";
import { fill } from "../valkka/pattern.ts";
import { Peer } from "../valkka/peer.ts";

export const SLOTS = 4;
export const SHAPE = { width: 64, height: 32 } as const;
export const BYTES = SHAPE.width * SHAPE.height * 3;
const NOW = 1_700_000_000_000;

/** Whoever writes pictures of the pattern into a ring. */
export interface Pen extends AsyncDisposable {
  /** Writes pictures `first`, `first + 1`, ... */
  write(first: number, count: number): Promise<void>;
}

/** One way from a writer to a reader of ours. */
export interface Way {
  name: string;
  /** Whether each record that is missed is counted, and any number of readers may read. */
  exact: boolean;
  /** Whether the writer tells that it closed the ring. */
  tellsEnd: boolean;
  pen(name: string): Promise<Pen>;
  open(
    name: string,
    options: { mode: "every" | "latest"; wait?: number; signal?: AbortSignal; reconnect?: boolean },
  ): Promise<ShmReader | ValkkaReader>;
}

const RING = { protocol: "valkka", slots: SLOTS, ...SHAPE } as const;
const SHM = { slots: SLOTS, ...SHAPE, format: "RGB24" } as const;

/** The ways between writers and readers of rings of pictures. */
export const WAYS: Way[] = [
  {
    name: "our ring",
    exact: true,
    tellsEnd: true,
    pen: async (name) => ours(await ShmWriter.create(name, SHM)),
    open: (name, options) => ShmReader.open(name, options),
  },
  {
    name: "our ring of any size",
    exact: true,
    tellsEnd: true,
    pen: async (name) => ours(await ShmWriter.create(name, { maxBytes: BYTES, slots: SLOTS })),
    open: (name, options) => ShmReader.open(name, options),
  },
  {
    name: "libValkka's layout, written by us",
    exact: true,
    tellsEnd: true,
    pen: async (name) => ours(await ShmWriter.create(name, RING)),
    open: (name, options) => ShmReader.open(name, { ...RING, ...options }),
  },
  {
    name: "a libValkka server",
    exact: false,
    tellsEnd: false,
    pen: async (name) => theirs(await Peer.ready("server", { name, cells: SLOTS, ...SHAPE })),
    open: (name, options) => ShmReader.open(name, { ...RING, ...options }),
  },
];

function ours(ring: ShmWriter | ValkkaWriter): Pen {
  return {
    write(first, count) {
      for (let i = 0; i < count; i++) ring.write(patternFrame(first + i));
      return Promise.resolve();
    },
    [Symbol.asyncDispose]: () => ring[Symbol.asyncDispose](),
  };
}

function theirs(peer: Peer): Pen {
  return {
    async write(first, count) {
      await peer.ask(`push ${first} ${count}`);
    },
    async [Symbol.asyncDispose]() {
      await peer.quit();
      await peer[Symbol.asyncDispose]();
    },
  };
}

/** A frame of the stand-in's pattern, with the time that it gives it. */
export function patternFrame(sequence: number): Frame {
  const info = {
    ...SHAPE,
    format: "RGB24",
    pts: (NOW + sequence) * 1_000,
    wallTime: NOW + sequence,
    receivedAt: Date.now(),
    keyframe: false,
    corrupt: false,
    sequence,
    generation: 0,
    missed: 0,
    streamId: 7,
  } as const;
  const stride = SHAPE.width * 3;
  const data = fill(new Uint8Array(BYTES), sequence);
  return new Frame(info, [{ data, stride, rowBytes: stride, rows: SHAPE.height }], NO_LEASE);
}
