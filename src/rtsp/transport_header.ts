// Pure: no I/O.

/** One offer, or the choice, of a Transport header. @see RFC 2326, 12.39 */
export interface TransportSpec {
  protocol: "udp" | "tcp";
  multicast: boolean;
  /** Channels of the RTSP connection, RTP's and RTCP's. */
  interleaved: [number, number] | null;
  clientPort: [number, number] | null;
  serverPort: [number, number] | null;
  /** Ports of a multicast group. */
  port: [number, number] | null;
  source: string;
  destination: string;
  ssrc: number | null;
  ttl: number | null;
  /** Without quotes; empty where there is none. */
  mode: string;
  /** Parameters that are not understood, as they came. */
  other: string[];
}

/** A spec with nothing in it but the protocol. */
export function transportSpec(protocol: "udp" | "tcp", fields: Partial<TransportSpec> = {}): TransportSpec {
  return {
    protocol,
    multicast: false,
    interleaved: null,
    clientPort: null,
    serverPort: null,
    port: null,
    source: "",
    destination: "",
    ssrc: null,
    ttl: null,
    mode: "",
    other: [],
    ...fields,
  };
}

/** Reads a Transport header: one spec for each offer that is RTP, in their order. What cannot be read is left out. */
export function parseTransport(header: string): TransportSpec[] {
  const specs: TransportSpec[] = [];
  for (const offer of header.split(",")) {
    const [protocol, ...parameters] = offer.split(";").map((part) => part.trim());
    const name = /^RTP\/S?AVPF?(?:\/(UDP|TCP))?$/i.exec(protocol);
    if (name === null) continue;
    const spec = transportSpec(name[1]?.toUpperCase() === "TCP" ? "tcp" : "udp");
    for (const parameter of parameters) if (parameter !== "") readParameter(spec, parameter);
    specs.push(spec);
  }
  return specs;
}

function readParameter(spec: TransportSpec, parameter: string): void {
  const equals = parameter.indexOf("=");
  const name = (equals < 0 ? parameter : parameter.slice(0, equals)).trim().toLowerCase();
  const value = equals < 0 ? "" : parameter.slice(equals + 1).trim();
  switch (name) {
    case "unicast":
      return;
    case "multicast":
      spec.multicast = true;
      return;
    case "interleaved":
      spec.interleaved = range(value, 255);
      return;
    case "client_port":
      spec.clientPort = range(value, 65_535);
      return;
    case "server_port":
      spec.serverPort = range(value, 65_535);
      return;
    case "port":
      spec.port = range(value, 65_535);
      return;
    case "source":
      spec.source = value;
      return;
    case "destination":
      spec.destination = value;
      return;
    case "ttl":
      spec.ttl = /^\d{1,3}$/.test(value) ? Number(value) : null;
      return;
    case "ssrc":
      // Eight hex digits; some cameras write fewer, or a space in front, or 0x.
      spec.ssrc = /^(?:0x)?[0-9a-f]{1,8}$/i.test(value) ? parseInt(value.replace(/^0x/i, ""), 16) : null;
      return;
    case "mode":
      spec.mode = value.replaceAll('"', "");
      return;
    default:
      spec.other.push(parameter);
  }
}

/** One number or two; where the second is missing or odd it is the one after the first. */
function range(value: string, highest: number): [number, number] | null {
  const parts = /^(\d{1,5})(?:\s*-\s*(\d{1,5}))?$/.exec(value);
  if (parts === null) return null;
  const first = Number(parts[1]);
  const second = parts[2] === undefined ? first + 1 : Number(parts[2]);
  return first > highest ? null : [first, Math.min(second, highest)];
}

/** Writes one spec. */
export function formatTransport(spec: TransportSpec): string {
  const parts = [spec.protocol === "tcp" ? "RTP/AVP/TCP" : "RTP/AVP", spec.multicast ? "multicast" : "unicast"];
  const pair = (name: string, value: [number, number] | null) => {
    if (value !== null) parts.push(`${name}=${value[0]}-${value[1]}`);
  };
  pair("interleaved", spec.interleaved);
  if (spec.destination !== "") parts.push(`destination=${spec.destination}`);
  if (spec.source !== "") parts.push(`source=${spec.source}`);
  pair("client_port", spec.clientPort);
  pair("server_port", spec.serverPort);
  pair("port", spec.port);
  if (spec.ttl !== null) parts.push(`ttl=${spec.ttl}`);
  if (spec.ssrc !== null) parts.push(`ssrc=${spec.ssrc.toString(16).toUpperCase().padStart(8, "0")}`);
  if (spec.mode !== "") parts.push(`mode="${spec.mode}"`);
  return [...parts, ...spec.other].join(";");
}
