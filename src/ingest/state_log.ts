// Pure: no I/O.
import type { CameraState } from "../../workers/ingest_protocol.ts";

/** Where a camera is, why, and since when (Unix milliseconds). */
export interface StateRecord {
  state: CameraState;
  reason: string;
  since: number;
}

/** The states of a camera, for any number of followers. One that does not keep up gets the newest. */
export class StateLog {
  last: StateRecord = { state: "connecting", reason: "connecting", since: Date.now() };
  #version = 0;
  #ended = false;
  readonly #waiting: (() => void)[] = [];

  add(record: StateRecord): void {
    this.last = record;
    this.#version++;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  end(record: StateRecord): void {
    this.#ended = true;
    this.add(record);
  }

  async *follow(): AsyncGenerator<StateRecord, undefined> {
    for (let seen = -1;;) {
      if (seen !== this.#version) {
        seen = this.#version;
        yield this.last;
        continue;
      }
      if (this.#ended) return;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }
}
