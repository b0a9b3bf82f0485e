import { printBytes } from "./print.ts";
import type { RecordRead } from "./ring_records.ts";

/** Writes what records hold to a file, or to standard output (`-`), and says at the end what was written. */
export function collector(path: string): Disposable & { take(record: RecordRead): void } {
  const file = path === "-" ? null : Deno.openSync(path, { write: true, create: true, truncate: true });
  let records = 0, bytesInAll = 0, kind = "frame", shape = "";
  /** Undefined before the first, null where they differ. */
  let bytesEach: number | null | undefined;
  return {
    take(record) {
      const bytes = record.bytes();
      if (file) { for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at)); }
      else printBytes(bytes);
      records++;
      bytesInAll += bytes.length;
      ({ kind, shape } = record);
      bytesEach = bytesEach === undefined || bytesEach === bytes.length ? bytes.length : null;
    },
    [Symbol.dispose]() {
      file?.close();
      const size = kind === "frame" && bytesEach ? `${bytesEach} bytes each` : `${bytesInAll} bytes in all`;
      const what = records === 0 ? [] : [shape, size].filter(Boolean);
      const where = file ? path : "standard output";
      console.error([`${records} ${kind}s`, ...what, `written to ${where}`].join(", "));
    },
  };
}
