// Pure: no I/O.

const ALL = 0, KEYFRAMES = 1, NOTHING = 2;
const WORDS = { all: ALL, keyframes: KEYFRAMES, nothing: NOTHING };

/**
 * What a reader of access units wants to be woken for, in shared memory: who decodes one keyframe a second sleeps through
 * the pictures between them. The reader alone changes it. After it asked for more it looks around once, as the writer
 * may have looked at the wish just before.
 */
export class WakeWish {
  readonly buffer: SharedArrayBuffer;
  readonly #word: Int32Array;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(4)) {
    this.buffer = buffer;
    this.#word = new Int32Array(buffer);
  }

  /** For the reader. */
  set(wish: "all" | "keyframes" | "nothing"): void {
    Atomics.store(this.#word, 0, WORDS[wish]);
  }

  /** Whether the reader is to be woken for an access unit; for the writer, after that was published. */
  includes(keyframe: boolean): boolean {
    const wish = Atomics.load(this.#word, 0);
    return wish === ALL || wish === KEYFRAMES && keyframe;
  }
}
