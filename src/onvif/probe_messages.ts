// Pure: no I/O.
import { plain } from "./streams.ts";
import { findAll, parseXml, textOf } from "./xml.ts";

/** A camera that answered. */
export interface DiscoveredCamera {
  /** Its name for itself, which it keeps for life; such as `urn:uuid:…`. */
  id: string;
  /** The address that the answer came from. */
  from: string;
  /** Of its device service, those on the host that answered first; for `onvifStreams()`. */
  addresses: string[];
  /** As it calls itself; empty where it does not. */
  name: string;
  hardware: string;
  location: string;
  /** What it says that it is, without prefixes: mostly `NetworkVideoTransmitter`. */
  types: string[];
}

/** Of what one answer says at most so much is kept. */
const MAX_ADDRESSES = 8;
const MAX_WORDS = 64;
const MAX_TEXT = 512;

/** What cameras are asked for: as a transmitter of video, and as a device, since some answer to one of both alone. */
const TYPES = [
  'xmlns:t="http://www.onvif.org/ver10/network/wsdl">t:NetworkVideoTransmitter',
  'xmlns:t="http://www.onvif.org/ver10/device/wsdl">t:Device',
];

/** The questions to send, each with the id that its answers name. @see WS-Discovery (2005/04), 5.2 */
export function probes(randomId: () => string): { id: string; message: Uint8Array<ArrayBuffer> }[] {
  return TYPES.map((types) => {
    const id = `urn:uuid:${randomId()}`;
    const text =
      '<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" ' +
      'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"><s:Header>' +
      "<a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</a:Action>" +
      `<a:MessageID>${id}</a:MessageID><a:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To></s:Header><s:Body>` +
      '<d:Probe xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery">' +
      `<d:Types ${types}</d:Types></d:Probe></s:Body></s:Envelope>`;
    return { id, message: new TextEncoder().encode(text) };
  });
}

/**
 * Reads an answer; empty where it answers none of the questions.
 *
 * @throws {SyntaxError} where it is no XML.
 */
export function readProbeMatches(data: Uint8Array, from: string, asked: ReadonlySet<string>): DiscoveredCamera[] {
  const root = parseXml(new TextDecoder().decode(data));
  if (!asked.has(textOf(root, "RelatesTo"))) return [];
  return findAll(root, "ProbeMatch").slice(0, MAX_ADDRESSES).flatMap((match) => {
    const addresses = words(textOf(match, "XAddrs")).filter(isHttp)
      .toSorted((a, b) => Number(hostOf(b) === from) - Number(hostOf(a) === from)).slice(0, MAX_ADDRESSES);
    if (addresses.length === 0) return [];
    const scopes = words(textOf(match, "Scopes"));
    const scope = (kind: string) => {
      const prefix = `onvif://www.onvif.org/${kind}/`;
      return decode(scopes.find((word) => word.toLowerCase().startsWith(prefix))?.slice(prefix.length) ?? "");
    };
    return [{
      id: textOf(match, "EndpointReference", "Address").slice(0, MAX_TEXT) || addresses[0],
      from,
      addresses,
      name: scope("name"),
      hardware: scope("hardware"),
      location: scope("location"),
      types: words(textOf(match, "Types")).map((word) => word.slice(word.indexOf(":") + 1)),
    }];
  });
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "" && word.length <= MAX_TEXT).slice(0, MAX_WORDS);
}

function isHttp(address: string): boolean {
  return /^https?:\/\//i.test(address) && URL.canParse(address);
}

function hostOf(address: string): string {
  return new URL(address).hostname.replace(/^\[|\]$/g, "");
}

/** Of what devices write there, some is percent-encoded and some is not. */
function decode(text: string): string {
  let decoded = text;
  try {
    decoded = decodeURIComponent(text);
  } catch {
    // as it is
  }
  return plain(decoded.replace(/_/g, " ").trim());
}
