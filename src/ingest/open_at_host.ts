import { libraryPath, loadLibrary } from "../../ffi/load.ts";
import type { RtspUrl } from "../rtsp/mod.ts";
import type { CameraTransport } from "../../workers/ingest_protocol.ts";
import { loadWorkers } from "../../workers/spawn.ts";
import { Deadline } from "./deadline.ts";
import { openCamera, settingsOf, totalTimeoutOf } from "./open_camera.ts";
import type { OpenRtspOptions } from "./open_rtsp.ts";
import { resolvePatiently } from "./resolve.ts";
import type { RtspCamera } from "./rtsp_camera.ts";
import { tlsTrust } from "./tls_options.ts";

/**
 * Opens the camera at an address: looks up its host, and resolves with its first picture.
 *
 * @param policyFor what is to be tried of the transport that was asked for.
 */
export async function openAtHost(
  address: RtspUrl,
  options: OpenRtspOptions,
  policyFor: (asked: CameraTransport) => CameraTransport = (asked) => asked,
): Promise<RtspCamera> {
  const trust = tlsTrust(options.tls);
  const settings = settingsOf(options);
  const path = await libraryPath();
  await loadWorkers();
  using deadline = new Deadline(address.href, totalTimeoutOf(options), options.signal);
  const addresses = await deadline.unlessOver(resolvePatiently(loadLibrary(path), address, settings, deadline.signal));
  deadline.signal.throwIfAborted();
  return await openCamera(address, {
    ...settings,
    transport: policyFor(settings.transport),
    url: address.href,
    username: options.username ?? address.username,
    password: options.password ?? address.password,
    addresses,
    sdp: null,
  }, { ...options, path, trust, deadline });
}
