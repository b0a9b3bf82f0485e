import type { VideoFile } from "../../src/file/mod.ts";
import { writeRtpHeader } from "../../src/rtp/mod.ts";
import { parseDialogue } from "./dialogue.ts";
import { ORDINARY, QuirkyCamera } from "./quirky_camera.ts";

/** Samples of G.711 in a packet. */
export const SAMPLES = 80;

/**
 * An ordinary camera with a track beside its video, which `camera.sound` is to send.
 *
 * @param track what its description says of it.
 * @param words what it says otherwise than an ordinary one.
 */
export function cameraBeside(file: VideoFile, track: string, words = ""): QuirkyCamera {
  return new QuirkyCamera(parseDialogue(`${words}> DESCRIBE\n${ORDINARY.DESCRIBE}${track}`), file);
}

/** The count-th packet's samples. */
export function samples(count: number): Uint8Array {
  return Uint8Array.from({ length: SAMPLES }, (_, i) => count * 7 + i & 0xff);
}

/** The count-th packet of a track, whose numbers soon begin anew; its clock goes on by so many ticks with each. */
export function sidePacket(payloadType: number, count: number, payload: Uint8Array, ticks = SAMPLES): Uint8Array {
  const bytes = new Uint8Array(12 + payload.length);
  const [sequence, timestamp] = [count + 65_530 & 0xffff, count * ticks];
  writeRtpHeader(bytes, { payloadType, sequence, timestamp, ssrc: 7, marker: true });
  bytes.set(payload, 12);
  return bytes;
}
