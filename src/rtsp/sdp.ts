// Pure: no I/O.

/** One format of a media section: a payload type and what `a=rtpmap` and `a=fmtp` say of it. */
export interface SdpFormat {
  payloadType: number;
  /** Encoding name as it is spelt; empty where there is no mapping. */
  encoding: string;
  clockRate: number;
  channels: number;
  /** Names in lower case. */
  parameters: Map<string, string>;
}

/** One media section that was understood. */
export interface SdpMedia {
  /** `video`, `audio`, `application` and so on, in lower case. */
  kind: string;
  port: number;
  /** Such as `RTP/AVP`. */
  protocol: string;
  formats: SdpFormat[];
  /** The value of `a=control`; empty where there is none. */
  control: string;
  direction: "sendrecv" | "sendonly" | "recvonly" | "inactive";
  /** `a=framerate`, 0 where there is none. */
  frameRate: number;
  /** `a=x-dimensions` or `a=framesize`, 0 where there is none. */
  width: number;
  height: number;
  /** `b=AS`, in kilobits a second, 0 where there is none. */
  bandwidth: number;
  /** The address of `c=`, empty where there is none. */
  connection: string;
}

/** A session description, as far as it could be read. */
export interface SessionDescription {
  name: string;
  /** The session's `a=control`; empty where there is none. */
  control: string;
  /** The range of `a=range`; empty where there is none. */
  range: string;
  connection: string;
  media: SdpMedia[];
  /** What was passed over, and where. */
  warnings: string[];
}

/** Sections and lines beyond these are no camera's. */
const MAX_MEDIA = 64;
const MAX_LINES = 4096;
const MAX_WARNINGS = 32;

/** Payload types that need no mapping. @see RFC 3551, 6 */
const STATIC: Record<number, [encoding: string, clockRate: number, channels: number]> = {
  0: ["PCMU", 8000, 1],
  3: ["GSM", 8000, 1],
  8: ["PCMA", 8000, 1],
  9: ["G722", 8000, 1],
  10: ["L16", 44_100, 2],
  11: ["L16", 44_100, 1],
  14: ["MPA", 90_000, 1],
  26: ["JPEG", 90_000, 1],
  31: ["H261", 90_000, 1],
  32: ["MPV", 90_000, 1],
  33: ["MP2T", 90_000, 1],
  34: ["H263", 90_000, 1],
};

/**
 * Reads a session description line by line. Nothing in it makes the whole fail: lines about the session that are
 * malformed (Uniview's `o=- 1001 1 IN`) are not needed, and a media section that cannot be read (Mercury's
 * `m=application/MERCURY`) is left out with its attributes.
 *
 * @see RFC 8866
 */
export function parseSdp(text: string): SessionDescription {
  const session: SessionDescription = { name: "", control: "", range: "", connection: "", media: [], warnings: [] };
  const warn = (line: number, what: string) => {
    if (session.warnings.length < MAX_WARNINGS) session.warnings.push(`line ${line}: ${what}`);
  };
  const strays: string[] = [];
  /** The section that attributes belong to; null inside one that is left out. */
  let section: SdpMedia | SessionDescription | null = session;
  const lines = text.split(/\r\n|\n|\r/);
  if (lines.length > MAX_LINES) warn(MAX_LINES, `the rest of ${lines.length} lines is left out`);
  lines.slice(0, MAX_LINES).forEach((raw, index) => {
    const line = raw.trim().replace(/^\uFEFF/, "");
    if (line[1] !== "=") {
      if (line !== "") warn(index + 1, "is no field");
      return;
    }
    const value = line.slice(2).trim();
    if (line[0] === "m") {
      section = session.media.length < MAX_MEDIA ? parseMedia(value) : null;
      if (section === null) warn(index + 1, `media section "${value.slice(0, 80)}" is left out`);
      else session.media.push(section);
      return;
    }
    if (section === null) return;
    if (line[0] === "s" && section === session && session.name === "") session.name = value;
    else if (line[0] === "c") section.connection = parseConnection(value);
    else if (line[0] === "b" && "formats" in section) {
      section.bandwidth = Number(/^AS:\s*(\d{1,9})/i.exec(value)?.[1] ?? section.bandwidth);
    } else if (line[0] === "a") {
      if ("formats" in section) mediaAttribute(section, value, strays);
      else sessionAttribute(section, value);
    }
  });
  for (const media of session.media) {
    if (media.connection === "") media.connection = session.connection;
  }
  adopt(session.media, strays);
  return session;
}

/** `video 0 RTP/AVP 96 97`; a port that is none (Tuya's `-1353744643`) matters as little as a missing protocol. */
function parseMedia(value: string): SdpMedia | null {
  const [kind = "", second = "", ...rest] = value.split(/\s+/);
  if (!/^[A-Za-z][\w-]*$/.test(kind)) return null;
  const words = second.includes("/") && !/^\d/.test(second) ? [second, ...rest] : rest;
  const port = /^\d{1,5}/.exec(second);
  const protocol = words[0]?.includes("/") ? words[0] : "";
  const numbers = (protocol === "" ? words : words.slice(1)).filter((word) => /^\d{1,3}$/.test(word)).map(Number);
  return {
    kind: kind.toLowerCase(),
    port: port === null || Number(port[0]) > 65_535 ? 0 : Number(port[0]),
    protocol,
    formats: [...new Set(numbers)].filter((type) => type < 128).map(formatOf),
    control: "",
    direction: "sendrecv",
    frameRate: 0,
    width: 0,
    height: 0,
    bandwidth: 0,
    connection: "",
  };
}

function formatOf(payloadType: number): SdpFormat {
  const [encoding, clockRate, channels] = STATIC[payloadType] ?? ["", 0, 0];
  return { payloadType, encoding, clockRate, channels, parameters: new Map() };
}

function parseConnection(value: string): string {
  const [, family, address] = value.split(/\s+/);
  return /^IP/i.test(family ?? "") ? address ?? "" : family ?? "";
}

function sessionAttribute(session: SessionDescription, value: string): void {
  const [name, text] = split(value);
  if (name === "control") session.control = text;
  else if (name === "range") session.range = text;
}

/** Gives parameters that stand in another section than their payload type to the one that lists it and has none. */
function adopt(media: readonly SdpMedia[], strays: readonly string[]): void {
  for (const text of strays) {
    const owner = media.find(({ formats }) => {
      const format = formats.find(({ payloadType }) => payloadType === Number.parseInt(text));
      return format !== undefined && format.parameters.size === 0;
    });
    if (owner !== undefined) formatParameters(owner, text);
  }
}

function mediaAttribute(media: SdpMedia, value: string, strays: string[]): void {
  const [name, text] = split(value);
  switch (name) {
    case "control":
      // The first counts: live555's proxies repeat it with the inner address.
      if (media.control === "") media.control = text;
      return;
    case "rtpmap":
      return mapping(media, text);
    case "fmtp":
      if (!formatParameters(media, text) && strays.length < MAX_MEDIA) strays.push(text);
      return;
    case "framerate":
    case "x-framerate": {
      const rate = Number.parseFloat(text);
      if (rate > 0 && rate <= 300) media.frameRate = rate;
      return;
    }
    case "x-dimensions":
    case "framesize": {
      const size = /(\d{1,5})\s*[,x-]\s*(\d{1,5})\s*$/.exec(text);
      if (size !== null) [media.width, media.height] = [Number(size[1]), Number(size[2])];
      return;
    }
    case "sendrecv":
    case "sendonly":
    case "recvonly":
    case "inactive":
      media.direction = name;
  }
}

function mapping(media: SdpMedia, text: string): void {
  const parts = /^(\d{1,3})\s*[\s:]\s*([^\s/]+)\s*(?:\/\s*(\d{1,9}))?(?:\s*\/\s*(\d{1,3}))?/.exec(text);
  if (parts === null || Number(parts[1]) > 127) return;
  const format = formatFor(media, Number(parts[1]));
  format.encoding = parts[2];
  // A missing or absurd clock rate is 90 kHz for video: every video format uses that.
  const rate = Number(parts[3] ?? 0);
  format.clockRate = rate > 0 ? rate : media.kind === "video" ? 90_000 : 8000;
  format.channels = Number(parts[4] ?? 1);
}

/** False where the section does not list the payload type. */
function formatParameters(media: SdpMedia, text: string): boolean {
  const parts = /^(\d{1,3})\s+(.*)$/.exec(text);
  if (parts === null || Number(parts[1]) > 127) return true;
  const format = formatFor(media, Number(parts[1]));
  const { parameters } = format;
  for (const parameter of parts[2].split(";")) {
    const equals = parameter.indexOf("=");
    const name = (equals < 0 ? parameter : parameter.slice(0, equals)).trim().toLowerCase();
    if (name !== "" && parameters.size < 64) parameters.set(name, equals < 0 ? "" : parameter.slice(equals + 1).trim());
  }
  return media.formats.includes(format);
}

/** The format of a payload type. One that `m=` does not list is added where it lists none: some cameras leave it out. */
function formatFor(media: SdpMedia, payloadType: number): SdpFormat {
  const listed = media.formats.find((format) => format.payloadType === payloadType);
  if (listed !== undefined) return listed;
  const added = formatOf(payloadType);
  if (media.formats.length === 0) media.formats.push(added);
  return added;
}

function split(value: string): [name: string, text: string] {
  const colon = value.indexOf(":");
  return colon < 0
    ? [value.trim().toLowerCase(), ""]
    : [value.slice(0, colon).trim().toLowerCase(), value.slice(colon + 1).trim()];
}
