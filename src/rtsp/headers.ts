// Pure: no I/O.

/** Header fields of a message, in their order; names compare without case, and a name may occur more than once. */
export class RtspHeaders implements Iterable<[string, string]> {
  readonly #fields: [string, string][] = [];

  constructor(fields: Iterable<readonly [string, string]> = []) {
    for (const [name, value] of fields) this.append(name, value);
  }

  get size(): number {
    return this.#fields.length;
  }

  /** The first value of a name; null where there is none. */
  get(name: string): string | null {
    const wanted = name.toLowerCase();
    return this.#fields.find(([other]) => other.toLowerCase() === wanted)?.[1] ?? null;
  }

  getAll(name: string): string[] {
    const wanted = name.toLowerCase();
    return this.#fields.filter(([other]) => other.toLowerCase() === wanted).map(([, value]) => value);
  }

  has(name: string): boolean {
    return this.get(name) !== null;
  }

  /** Replaces all values of a name. */
  set(name: string, value: string): this {
    const wanted = name.toLowerCase();
    const at = this.#fields.findIndex(([other]) => other.toLowerCase() === wanted);
    if (at < 0) return this.append(name, value);
    this.#fields[at] = [name, value];
    for (let i = this.#fields.length - 1; i > at; i--) {
      if (this.#fields[i][0].toLowerCase() === wanted) this.#fields.splice(i, 1);
    }
    return this;
  }

  append(name: string, value: string): this {
    this.#fields.push([name, value]);
    return this;
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.#fields.values();
  }
}
