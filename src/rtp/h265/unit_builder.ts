// Pure: no I/O.
import { Head, type NalRole, UnitBuilder } from "../unit_builder.ts";
import { HevcNal, hevcNalType, isHevcFirstSlice, isHevcKeyframe, isHevcPicture, isHevcSkipped } from "./nal.ts";
import { HevcParameterSets } from "./parameter_sets.ts";
import type { HevcParameters } from "./sps.ts";

/** Builds access units by H.265's rules. */
export class HevcUnitBuilder extends UnitBuilder<HevcParameters> {
  readonly headerBytes = 2;
  readonly sets = new HevcParameterSets();
  readonly #role: NalRole = { head: Head.none, picture: false, keep: true };
  #keyframe = false;
  /** Which kinds of parameter set are in the unit: bits from the video parameter set's on. */
  #kinds = 0;
  /** Whether keyframes of this stream begin with a video parameter set. */
  #vpsLeads = false;

  override begin(): void {
    super.begin();
    this.#keyframe = false;
    this.#kinds = 0;
  }

  protected get hasSets(): boolean {
    return this.#kinds === 7;
  }

  protected get beginsDecoding(): boolean {
    return this.#keyframe;
  }

  protected isPicture(first: number): boolean {
    return isHevcPicture(hevcNalType(first));
  }

  protected classify(start: number, end: number, whole: boolean): NalRole {
    const { buffer } = this;
    const type = hevcNalType(buffer[start]);
    const role = this.#role;
    role.picture = false;
    role.head = Head.leader;
    // Other layers than the base are not decoded, and a temporal id of 0 is forbidden.
    const base = (buffer[start] & 1) === 0 && buffer[start + 1] < 8 && (buffer[start + 1] & 7) !== 0;
    role.keep = type < HevcNal.aggregation && base;
    if (!role.keep || buffer[start] >= 0x80) return role;
    if (isHevcPicture(type)) {
      if (end - start < 3) {
        role.keep = false;
        return role;
      }
      if (this.slices === 0) {
        this.beginsPicture = isHevcFirstSlice(buffer[start + 2]);
        this.leading = isHevcSkipped(type);
        this.#keyframe = isHevcKeyframe(type);
      }
      role.picture = true;
      role.head = this.#keyframe ? Head.keySlice : Head.slice;
    } else if (type <= HevcNal.pps) {
      const kind = type - HevcNal.vps;
      if (kind === 0) this.#vpsLeads = true;
      // Where the description alone has the video parameter set, the sequence parameter set comes first.
      if (kind === 0 || kind === 1 && !this.#vpsLeads) role.head = Head.sets;
      if (whole && this.sets.add(buffer, start, end)) this.#kinds |= 1 << kind;
    } else if (type === HevcNal.delimiter) {
      role.head = Head.delimiter;
    } else if (type === HevcNal.suffixSei) {
      role.head = Head.slice;
    }
    return role;
  }
}
