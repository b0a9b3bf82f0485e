// Pure: no I/O.
import { Head, type NalRole, UnitBuilder } from "../unit_builder.ts";
import { isPictureNal, Nal, nalType } from "./nal.ts";
import { ParameterSets } from "./parameter_sets.ts";
import { readSliceHead, recoveryFrames } from "./slice.ts";
import type { H264Parameters } from "./sps.ts";

/** Builds access units by H.264's rules. */
export class H264UnitBuilder extends UnitBuilder<H264Parameters> {
  readonly headerBytes = 1;
  readonly sets = new ParameterSets();
  readonly #role: NalRole = { head: Head.none, picture: false, keep: true };
  #idr = false;
  #intra = true;
  #hasSps = false;
  #hasPps = false;
  #recovery = -1;

  override begin(): void {
    super.begin();
    this.#idr = this.#hasSps = this.#hasPps = false;
    this.#intra = true;
    this.#recovery = -1;
  }

  protected get hasSets(): boolean {
    return this.#hasSps && this.#hasPps;
  }

  protected get beginsDecoding(): boolean {
    // A recovery point after 0 frames is an open group of pictures; some cameras send neither that nor an IDR, but I-slices
    // behind new parameter sets.
    return this.#idr || this.#intra && (this.#recovery === 0 || this.#hasSps);
  }

  protected isPicture(first: number): boolean {
    return isPictureNal(nalType(first));
  }

  protected classify(start: number, end: number, whole: boolean): NalRole {
    const { buffer } = this;
    const type = nalType(buffer[start]);
    const role = this.#role;
    role.picture = false;
    role.head = Head.leader;
    role.keep = type !== 0 && type < Nal.stapA;
    if (!role.keep || buffer[start] >= 0x80) return role;
    if (type === Nal.idr || type === Nal.slice || type === Nal.partitionA) {
      const slice = readSliceHead(buffer, start, end);
      if (this.slices === 0) this.beginsPicture = slice.first;
      if (!slice.intra) this.#intra = false;
      if (type === Nal.idr) this.#idr = true;
      role.picture = true;
      role.head = type === Nal.idr ? Head.keySlice : Head.slice;
    } else if (type === Nal.sei) {
      const frames = recoveryFrames(buffer, start, end);
      if (frames >= 0) this.#recovery = frames;
    } else if (type === Nal.sps) {
      role.head = Head.sets;
      if (whole && this.sets.add(buffer, start, end)) this.#hasSps = true;
    } else if (type === Nal.pps) {
      if (whole && this.sets.add(buffer, start, end)) this.#hasPps = true;
    } else if (type === Nal.delimiter) {
      role.head = Head.delimiter;
    } else {
      // The other partitions of a slice, and what may follow or go between; none was seen to lead.
      role.head = Head.slice;
    }
    return role;
  }
}
