// Pure: no I/O.
import { RtspError } from "../../src/media/mod.ts";

/** What a camera that plays is waited with. */
interface Patience {
  url: string;
  firstPacketTimeout: number;
  firstPictureTimeout: number;
  idleTimeout: number;
}

/** When what came last, Unix milliseconds, 0 where nothing did. */
interface Signs {
  at: number;
  connectingSince: number;
  playingSince: number;
  lastPacketAt: number;
  lastUnitAt: number;
}

/** What does not come from a camera that plays; null where all does. */
export function silenceError(patience: Patience, signs: Signs): RtspError | null {
  const { at, connectingSince, playingSince, lastPacketAt, lastUnitAt } = signs;
  const playing = at - playingSince;
  if (lastPacketAt < connectingSince) return playing >= patience.firstPacketTimeout ? packetTimeout(patience) : null;
  if (at - lastPacketAt >= patience.idleTimeout) return idleError(patience);
  return lastUnitAt < connectingSince && playing >= patience.firstPictureTimeout ? pictureTimeout(patience) : null;
}

/** A camera that plays, and sends no packet at all. */
function packetTimeout({ url, firstPacketTimeout }: Patience): RtspError {
  const seconds = firstPacketTimeout / 1000;
  // Without a session there is nobody who said that he plays.
  const message = url.startsWith("rtp:")
    ? `Lost ${url}: no packet came there in ${seconds} s; check that somebody sends to it`
    : `Lost ${url}: the camera plays, but no packet came in ${seconds} s; restart the camera, or try the other transport`;
  return new RtspError("timeout", message, { timeout: "first-packet" });
}

/** A camera that no longer sends. */
function idleError({ url, idleTimeout }: Patience): RtspError {
  const message = `Lost ${url}: no packet of the video came for ${idleTimeout / 1000} s`;
  return new RtspError("timeout", message, { timeout: "idle" });
}

/** A camera whose packets make no picture. */
function pictureTimeout({ url, firstPictureTimeout }: Patience): RtspError {
  const seconds = firstPictureTimeout / 1000;
  return new RtspError(
    "timeout",
    `Lost ${url}: packets come, but no keyframe in ${seconds} s; set the keyframe interval in the camera to 1 or 2 s`,
    { timeout: "first-picture" },
  );
}
