import { OnvifError } from "../media/mod.ts";
import { DeviceClient } from "./device_client.ts";
import { NAMESPACE } from "./soap.ts";
import {
  type MediaServices,
  type OnvifStream,
  plain,
  profilesRequest,
  readProfiles,
  readServices,
  readStreamUri,
  streamUriRequest,
} from "./streams.ts";
import { textOf } from "./xml.ts";

/** How to ask a device. */
export interface OnvifOptions {
  username?: string;
  password?: string;
  /** Milliseconds for all that is asked. @default {10_000} */
  timeout?: number;
  signal?: AbortSignal;
}

/** What a device said. */
export interface OnvifDevice {
  /** Of the device service that was asked. */
  url: string;
  manufacturer: string;
  model: string;
  firmware: string;
  /** How far its clock is ahead of this host's, in milliseconds; null where it does not say. */
  clockOffset: number | null;
  /** Its video streams, in its own order: mostly the best first. */
  streams: OnvifStream[];
}

/**
 * Asks an ONVIF device for its video streams. Its clock is read first and without credentials, so that a device at another
 * time takes them; passwords are sent as digests alone, never readably. Its newer media service (Media2, which knows
 * H.265) is asked where it has one, else the older.
 *
 * Needs `--allow-net=<host:port>`.
 *
 * @param address `host`, `host:port`, or the whole address of its device service as `discoverCameras()` gives it.
 * @throws {SyntaxError} where the address is none.
 * @throws {OnvifError} with a `code` that says why.
 * @throws {Deno.errors.NotCapable} @throws `signal.reason`
 *
 * @example
 * ```ts ignore
 * const { streams } = await onvifStreams("192.168.1.64", { username: "admin", password: "s3cr#t" });
 * await using camera = await openRtsp(streams[0].url, { username: "admin", password: "s3cr#t" });
 * ```
 */
export async function onvifStreams(address: string, options: OnvifOptions = {}): Promise<OnvifDevice> {
  const { username = "", password = "", timeout = 10_000, signal } = options;
  if (!(timeout > 0) || timeout > 2 ** 31 - 1) {
    throw new RangeError(`Cannot ask a device: timeout is ${timeout}, expected a positive number of milliseconds`);
  }
  signal?.throwIfAborted();
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(new DOMException("Timed out", "TimeoutError")), timeout);
  try {
    const either = signal ? AbortSignal.any([signal, limit.signal]) : limit.signal;
    const client = new DeviceClient(deviceUrl(address), { username, password, signal: either });
    await client.readClock();
    const services = await findServices(client);
    const streams = await readStreams(client, services);
    const information = await describeDevice(client);
    return { url: client.url.href, ...information, clockOffset: client.clockOffset, streams };
  } finally {
    clearTimeout(timer);
  }
}

/** @throws {SyntaxError} where it is no address. */
export function deviceUrl(address: string): URL {
  const whole = /^https?:\/\//i.test(address);
  const bare = /^[0-9a-f]*:[0-9a-f:]*:[0-9a-f:]*$/i.test(address) ? `[${address}]` : address;
  let url: URL;
  try {
    url = new URL(whole ? address : `http://${bare}`);
  } catch (cause) {
    throw new SyntaxError(`Cannot ask a device: ${JSON.stringify(address)} is no address`, { cause });
  }
  if (url.username !== "" || url.password !== "") {
    throw new SyntaxError("Cannot ask a device: user name and password are given apart from its address");
  }
  if (!whole || url.pathname === "/") url.pathname = "/onvif/device_service";
  return url;
}

async function findServices(client: DeviceClient): Promise<MediaServices> {
  const services = await unlessRefused(
    client.ask(
      client.url,
      "GetServices",
      `<GetServices xmlns="${NAMESPACE.device}"><IncludeCapability>false</IncludeCapability></GetServices>`,
    ),
  );
  const found = services ? readServices(services, client.url) : { media2: null, media: null };
  if (found.media || found.media2) return found;
  // Devices of before 2012 have nothing else.
  const all = `<GetCapabilities xmlns="${NAMESPACE.device}"><Category>All</Category></GetCapabilities>`;
  const capabilities = readServices(await client.ask(client.url, "GetCapabilities", all), client.url);
  if (capabilities.media || capabilities.media2) return capabilities;
  throw new OnvifError("protocol", `Cannot ask ${client.url.host} for its streams: it has no media service`, {
    operation: "GetCapabilities",
  });
}

async function readStreams(client: DeviceClient, services: MediaServices): Promise<OnvifStream[]> {
  const { media, media2 } = services;
  if (media2) {
    // Some offer it and answer nothing of use there.
    const streams = await unlessRefused(readStreamsOf(client, media2, 2));
    if (!media || streams && streams.length > 0) return streams ?? [];
  }
  return await readStreamsOf(client, media!, 1);
}

async function readStreamsOf(client: DeviceClient, service: URL, version: 1 | 2): Promise<OnvifStream[]> {
  const streams: OnvifStream[] = [];
  for (const profile of readProfiles(await client.ask(service, "GetProfiles", profilesRequest(version)))) {
    // A profile that was made and never finished has no address.
    const answer = await unlessRefused(
      client.ask(service, "GetStreamUri", streamUriRequest(version, profile.token)),
    );
    const url = answer && readStreamUri(answer, client.url);
    if (url) streams.push({ ...profile, url });
  }
  return streams;
}

async function describeDevice(
  client: DeviceClient,
): Promise<Pick<OnvifDevice, "manufacturer" | "model" | "firmware">> {
  const request = `<GetDeviceInformation xmlns="${NAMESPACE.device}"/>`;
  // Nobody who has the streams needs it.
  const body = await client.ask(client.url, "GetDeviceInformation", request).catch((error) => {
    if (error instanceof OnvifError) return undefined;
    throw error;
  });
  const text = (name: string) => plain(textOf(body, name));
  return { manufacturer: text("Manufacturer"), model: text("Model"), firmware: text("FirmwareVersion") };
}

/** The answer, or null where the device refused this one thing for another reason than credentials. */
async function unlessRefused<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof OnvifError && (error.code === "fault" || error.code === "protocol")) return null;
    throw error;
  }
}
