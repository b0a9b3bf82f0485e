// Pure: no I/O.

/** Counters of two of a kind, together. */
export function sum<Counters extends { [Name in keyof Counters]: number }>(a: Counters, b: Counters): Counters {
  const names = Object.keys(a) as (keyof Counters)[];
  return Object.fromEntries(names.map((name) => [name, a[name] + b[name]])) as Counters;
}
