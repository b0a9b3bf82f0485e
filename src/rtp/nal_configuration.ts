// Pure: no I/O.

/** What a container says of a stream of NAL units beside it. */
export interface NalConfiguration {
  /** Bytes of the length in front of each NAL unit. */
  lengthBytes: number;
  /** Parameter sets; parts of what they were read from. */
  sets: Uint8Array[];
}

/**
 * Reads an AVCDecoderConfigurationRecord, as far as it goes.
 *
 * @see ISO/IEC 14496-15, 5.3.3.1
 */
export function avcConfiguration(box: Uint8Array): NalConfiguration {
  const sets: Uint8Array[] = [];
  let at = 5;
  for (const mask of [0x1f, 0xff]) {
    for (let left = (box[at++] ?? 0) & mask; left > 0 && at + 2 <= box.length; left--) {
      const length = box[at] << 8 | box[at + 1];
      sets.push(box.subarray(at + 2, at + 2 + length));
      at += 2 + length;
    }
  }
  return { lengthBytes: ((box[4] ?? 3) & 3) + 1, sets };
}

/**
 * Reads an HEVCDecoderConfigurationRecord, as far as it goes.
 *
 * @see ISO/IEC 14496-15, 8.3.3.1
 */
export function hevcConfiguration(box: Uint8Array): NalConfiguration {
  const sets: Uint8Array[] = [];
  let at = 23;
  for (let arrays = box[22] ?? 0; arrays > 0 && at + 3 <= box.length; arrays--) {
    let left = box[at + 1] << 8 | box[at + 2];
    for (at += 3; left > 0 && at + 2 <= box.length; left--) {
      const length = box[at] << 8 | box[at + 1];
      sets.push(box.subarray(at + 2, at + 2 + length));
      at += 2 + length;
    }
  }
  return { lengthBytes: ((box[21] ?? 3) & 3) + 1, sets };
}

/** The NAL units of one sample, each behind its length. A length beyond the sample's end ends it. */
export function splitLengths(data: Uint8Array, lengthBytes: number): Uint8Array[] {
  const units: Uint8Array[] = [];
  for (let at = 0; at + lengthBytes <= data.length;) {
    let length = 0;
    for (let i = 0; i < lengthBytes; i++) length = length * 256 + data[at + i];
    at += lengthBytes;
    if (length > 0) units.push(data.subarray(at, Math.min(data.length, at + length)));
    at += length;
  }
  return units;
}
