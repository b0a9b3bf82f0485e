import { RtspError } from "../../src/media/mod.ts";
import { parseCameraUrl } from "../../src/rtsp/mod.ts";
import { ERRNO, errnoPhrase } from "./native.ts";

/** Why a TCP connection did not come about, in words that say what to do. */
export function connectError(url: string, errno: number): RtspError {
  const { host, port } = parseCameraUrl(url);
  const action = `Cannot open ${url}`;
  switch (errno) {
    case ERRNO.ECONNREFUSED:
      return new RtspError(
        "refused",
        `${action}: nothing listens on port ${port} of ${host}; check the port, and that RTSP is switched on in the camera`,
      );
    case ERRNO.EHOSTUNREACH:
    case ERRNO.ENETUNREACH:
      return new RtspError("unreachable", `${action}: there is no way to ${host}; check the address and the network`);
    case ERRNO.ETIMEDOUT:
      return new RtspError(
        "timeout",
        `${action}: nothing answers at ${host}; check the address, and that the camera is on`,
        { timeout: "connect" },
      );
    case 0:
      return new RtspError("closed", `${action}: ${host} closed the connection at once`);
    default:
      return new RtspError("closed", `${action}: ${errnoPhrase(errno)}`);
  }
}

/** Why a TCP connection was not waited for any longer. */
export function connectTimeout(settings: { url: string; connectTimeout: number }): RtspError {
  const { host, port } = parseCameraUrl(settings.url);
  return new RtspError(
    "timeout",
    `Cannot open ${settings.url}: nothing answers at port ${port} of ${host} in ${settings.connectTimeout / 1000} s; ` +
      "check the address, and that the camera is on",
    { timeout: "connect" },
  );
}

/** A fault of this program while it handled what a camera sent. */
export function brokenError(url: string, error: unknown): RtspError {
  const reason = error instanceof Error ? error.message : String(error);
  return new RtspError(
    "protocol",
    `Lost ${url}: Millrace failed on what the camera sent (${reason}); please report it`,
  );
}

/** Ports or a group that packets would come by, and that cannot be listened to. */
export function listenError(url: string, error: unknown): RtspError {
  const reason = error instanceof Error ? error.message : String(error);
  return new RtspError("transport", `Cannot open ${url}: cannot listen to the camera: ${reason}`);
}
