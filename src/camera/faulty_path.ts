// Pure: no I/O.
import type { Disturbance } from "../serve/mod.ts";
import type { Faults } from "./faults.ts";

const GARBAGE = new TextEncoder().encode("\r\n\r\nstray bytes\r\n");
const NONE = new Uint8Array(0);

/** The way from a camera with faults to one viewer. */
export class FaultyPath implements Disturbance {
  readonly #faults: Readonly<Faults>;
  readonly #random: () => number;
  /** A packet that changes places with the one after. */
  #held: Uint8Array<ArrayBuffer> | null = null;

  constructor(faults: Readonly<Faults>, random: () => number) {
    this.#faults = faults;
    this.#random = random;
  }

  loses(): boolean {
    return this.#faults.drop > 0 && this.#random() < this.#faults.drop;
  }

  datagram(packet: Uint8Array<ArrayBuffer>, emit: (packet: Uint8Array<ArrayBuffer>) => void): void {
    if (!this.#held && this.#random() < this.#faults.reorder) {
      this.#held = packet;
      return;
    }
    emit(packet);
    if (this.#held) {
      emit(this.#held);
      this.#held = null;
    }
    if (this.#random() < this.#faults.duplicate) emit(packet);
  }

  strayBytes(accessUnit: number): Uint8Array {
    const { garbageEvery } = this.#faults;
    return garbageEvery > 0 && accessUnit % garbageEvery === 0 ? GARBAGE : NONE;
  }
}
