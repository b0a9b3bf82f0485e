// Pure: no I/O.
import { escapeXml, find, findAll, textOf, type XmlElement } from "./xml.ts";
import { NAMESPACE } from "./soap.ts";

/** A video stream that a device offers. */
export interface OnvifStream {
  /** The device's name for the profile, by which it is asked for. */
  token: string;
  /** What people call it. */
  name: string;
  /** As the device says: `H264`, `H265`, `JPEG`; empty where it does not. */
  encoding: string;
  /** In pixels; 0 where the device does not say. */
  width: number;
  height: number;
  /** Frames a second, at most; 0 where the device does not say. */
  frameRate: number;
  /** Bits a second, at most; 0 where the device does not say. */
  bitRate: number;
  /** Where `openRtsp()` finds it; as the device says, which may hold a user name and password. */
  url: string;
}

/** Profiles that are asked for their address. */
export const MAX_PROFILES = 64;

/** The device's media services, newest first, as addresses on the host by which it was reached. */
export interface MediaServices {
  media2: URL | null;
  media: URL | null;
}

/** The services of an answer to GetServices, or to GetCapabilities. */
export function readServices(body: XmlElement, device: URL): MediaServices {
  const services: MediaServices = { media2: null, media: null };
  for (const service of findAll(body, "Service")) {
    const namespace = textOf(service, "Namespace"), address = serviceUrl(textOf(service, "XAddr"), device);
    if (namespace === NAMESPACE.media) services.media ??= address;
    if (namespace === NAMESPACE.media2) services.media2 ??= address;
  }
  const media = find(body, "Media");
  if (media) services.media ??= serviceUrl(textOf(media, "XAddr"), device);
  return services;
}

/**
 * A service's address. A device that is reached through a router says its inner one; and no device is to have this
 * program ask another host with its credentials.
 */
export function serviceUrl(text: string, device: URL): URL | null {
  let url: URL;
  try {
    url = new URL(text, device);
  } catch {
    return null;
  }
  if (!/^https?:$/.test(url.protocol)) return null;
  if (url.hostname !== device.hostname) {
    url.protocol = device.protocol;
    url.hostname = device.hostname;
    url.port = device.port;
  }
  url.username = url.password = url.hash = "";
  return url;
}

/** The profiles of an answer to GetProfiles, of either version, those with video. */
export function readProfiles(body: XmlElement): Omit<OnvifStream, "url">[] {
  return findAll(body, "Profiles").flatMap((profile) => {
    const token = profile.attributes.get("token") ?? "";
    const configuration = find(profile, "VideoEncoderConfiguration") ?? find(profile, "VideoEncoder");
    if (token === "" || !configuration) return [];
    const number = (...path: string[]) => {
      const value = Number(textOf(configuration, ...path));
      return Number.isFinite(value) && value > 0 ? value : 0;
    };
    return [{
      token,
      name: plain(textOf(profile.children.find(({ name }) => name === "Name")) || token),
      encoding: textOf(configuration, "Encoding").toUpperCase(),
      width: number("Resolution", "Width"),
      height: number("Resolution", "Height"),
      frameRate: number("RateControl", "FrameRateLimit"),
      // Kilobits.
      bitRate: number("RateControl", "BitrateLimit") * 1000,
    }];
  }).slice(0, MAX_PROFILES);
}

/** A device's words, for people: nothing of it moves a terminal's cursor. */
export function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, "").slice(0, 200);
}

export function profilesRequest(version: 1 | 2): string {
  return version === 2
    ? `<GetProfiles xmlns="${NAMESPACE.media2}"><Type>VideoEncoder</Type></GetProfiles>`
    : `<GetProfiles xmlns="${NAMESPACE.media}"/>`;
}

export function streamUriRequest(version: 1 | 2, token: string): string {
  const profile = `<ProfileToken>${escapeXml(token)}</ProfileToken>`;
  if (version === 2) {
    return `<GetStreamUri xmlns="${NAMESPACE.media2}"><Protocol>RTSP</Protocol>${profile}</GetStreamUri>`;
  }
  return `<GetStreamUri xmlns="${NAMESPACE.media}"><StreamSetup>` +
    `<Stream xmlns="http://www.onvif.org/ver10/schema">RTP-Unicast</Stream>` +
    `<Transport xmlns="http://www.onvif.org/ver10/schema"><Protocol>RTSP</Protocol></Transport>` +
    `</StreamSetup>${profile}</GetStreamUri>`;
}

/** The address in an answer to GetStreamUri; null where there is none of RTSP. */
export function readStreamUri(body: XmlElement, device: URL): string | null {
  const text = textOf(body, "Uri");
  const match = /^(rtsps?:\/\/(?:[^@/]*@)?)(\[[^\]]*\]|[^:/?#]*)(.*)$/is.exec(text);
  if (!match || text.length > 2048) return null;
  const [, before, host, rest] = match;
  // What these name is this machine, and not the device.
  if (/[\s\p{Cc}]/u.test(text)) return null;
  return /^(?:0\.0\.0\.0|127\.[\d.]+|localhost|\[::1?\]|)$/i.test(host) ? before + device.hostname + rest : text;
}
