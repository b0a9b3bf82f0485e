// Pure: no I/O.
import { ParameterSetStore, type ParameterSetSyntax } from "../parameter_set_store.ts";
import { HevcNal, hevcNalType } from "./nal.ts";
import { type HevcParameters, parseHevcPps, parseHevcSps, parseHevcVps, withRate } from "./sps.ts";

/** The newest parameter sets of an H.265 stream. */
export class HevcParameterSets extends ParameterSetStore<HevcParameters> {
  constructor() {
    super(syntax());
  }
}

/** The rules, with the frame rate of the newest video parameter set kept for sequence parameter sets that have none. */
function syntax(): ParameterSetSyntax<HevcParameters> {
  let rate = 0;
  let info: HevcParameters | null = null;
  return {
    kinds: 3,
    kindOf(data, start, end) {
      if (end - start < 3) return -1;
      const kind = hevcNalType(data[start]) - HevcNal.vps;
      // Only the base layer is decoded.
      return kind >= 0 && kind < 3 && (data[start] & 1) === 0 && data[start + 1] < 8 ? kind : -1;
    },
    read(nal, kind) {
      if (kind === 2) {
        const pps = parseHevcPps(nal);
        return pps === null ? null : { id: pps.id, info: null };
      }
      const vps = kind === 0 ? parseHevcVps(nal) : null, sps = kind === 1 ? parseHevcSps(nal) : null;
      if (vps !== null) rate = vps.frameRate;
      if (sps !== null) info = sps;
      const set = vps ?? sps;
      if (set === null) return null;
      return { id: set.id, info: info === null ? null : withRate(info, rate) };
    },
  };
}
