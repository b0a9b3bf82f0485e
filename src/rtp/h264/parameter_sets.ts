// Pure: no I/O.
import { ParameterSetStore, type ParameterSetSyntax } from "../parameter_set_store.ts";
import { Nal, nalType } from "./nal.ts";
import { type H264Parameters, parsePpsIds, parseSps } from "./sps.ts";

const SYNTAX: ParameterSetSyntax<H264Parameters> = {
  kinds: 2,
  kindOf(data, start) {
    const type = nalType(data[start]);
    return type === Nal.sps ? 0 : type === Nal.pps ? 1 : -1;
  },
  read(nal, kind) {
    if (kind === 0) {
      const info = parseSps(nal);
      return info === null ? null : { id: info.id, info };
    }
    const pps = parsePpsIds(nal);
    return pps === null ? null : { id: pps.id, info: null };
  },
};

/** The newest parameter sets of an H.264 stream. */
export class ParameterSets extends ParameterSetStore<H264Parameters> {
  constructor() {
    super(SYNTAX);
  }
}
