// Pure: no I/O.

/** The benchmarks that there are. */
export const BENCHES = [
  "decode",
  "scale",
  "shm",
  "pipeline",
  "chain",
  "cameras",
  "kills",
  "soak",
  "dead",
  "ingest",
  "loss",
  "hostile",
] as const;
