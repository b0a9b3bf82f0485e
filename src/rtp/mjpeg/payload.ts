// Pure: no I/O.

/** Bytes of the header that every packet has. */
const MAIN_BYTES = 8;
/** Types from here on have restart markers. */
const RESTART_TYPES = 64;
/** Qualities from here on have their tables in band. */
const TABLES_IN_BAND = 128;

/**
 * Reads the headers of a payload in place; made to be used again.
 *
 * @see RFC 2435, 3.1
 */
export class JpegPayload {
  /** Where the fragment belongs in the scan. */
  offset = 0;
  /** 0 to 63; that of restart markers is taken off. */
  type = 0;
  quality = 0;
  /** In pixels; 0 where the header has no room for the size. */
  width = 0;
  height = 0;
  restartInterval = 0;
  /** Which tables have 16 bits for each number. */
  wide = 0;
  /** Bounds of the tables; equal where there are none. */
  tablesStart = 0;
  tablesEnd = 0;
  /** Where the scan goes on. */
  dataStart = 0;

  /** Reads `data[start..end)`; false where it breaks the format. */
  parse(data: Uint8Array, start: number, end: number): boolean {
    if (end - start < MAIN_BYTES) return false;
    this.offset = data[start + 1] << 16 | data[start + 2] << 8 | data[start + 3];
    const type = data[start + 4];
    this.quality = data[start + 5];
    this.width = data[start + 6] * 8;
    this.height = data[start + 7] * 8;
    let at = start + MAIN_BYTES;
    this.type = type & RESTART_TYPES - 1;
    this.restartInterval = 0;
    if (type >= 2 * RESTART_TYPES) return false;
    if (type >= RESTART_TYPES) {
      if (at + 4 > end) return false;
      this.restartInterval = data[at] << 8 | data[at + 1];
      at += 4;
    }
    this.wide = this.tablesStart = this.tablesEnd = 0;
    if (this.offset === 0 && this.quality >= TABLES_IN_BAND) {
      if (at + 4 > end) return false;
      this.wide = data[at + 1] & 3;
      this.tablesStart = at + 4;
      this.tablesEnd = at + 4 + (data[at + 2] << 8 | data[at + 3]);
      at = this.tablesEnd;
      if (at > end) return false;
    }
    this.dataStart = at;
    return true;
  }
}
