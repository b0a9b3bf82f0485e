import { Authenticator, HttpTunnel, isHttpUrl, parseCameraUrl } from "../../src/rtsp/mod.ts";
import type { CameraSettings, TransportKind } from "../ingest_protocol.ts";
import { Connection, type Link, type LinkEvents } from "./connection.ts";
import type { NativeLibrary } from "./native.ts";
import type { Poller } from "./poller.ts";
import type { Route } from "./route.ts";
import { TlsConnection } from "./tls_connection.ts";
import { TunnelConnection } from "./tunnel_connection.ts";

/** Has the TLS worker connect to an address, and pass plain bytes on to and from a handle. */
export type SecureTo = (to: { handle: number; address: Uint8Array<ArrayBuffer>; host: string }) => void;

/** Opens the way to a camera that its address and its transport ask for: plain or by TLS, as it is or inside of HTTP. */
export function openLink(
  sockets: { library: NativeLibrary; poller: Poller },
  to: { settings: CameraSettings; route: Route; secure: SecureTo },
  events: LinkEvents,
): Link {
  const { settings, route } = to;
  const url = parseCameraUrl(route.url);
  const { address } = route;
  const connect = (events: LinkEvents): Link => {
    if (!url.secure) return new Connection(sockets.library, sockets.poller, address, events);
    const secure = (handle: number) => to.secure({ handle, address, host: url.host });
    return new TlsConnection(sockets, { url: settings.url, secure }, events);
  };
  if (settings.transport !== "http-tunnel") return connect(events);
  const { username, password } = settings;
  const random = (into: Uint8Array<ArrayBuffer>) => void crypto.getRandomValues(into);
  const authenticator = new Authenticator({ username, password, random, basic: route.isAway ? "refuse" : "answer" });
  return new TunnelConnection(connect, new HttpTunnel(url, { authenticator, userAgent: "Millrace", random }), events);
}

/** How packets come that were negotiated to come so, by what the connection is. */
export function transportOf(
  kind: "udp" | "tcp" | "multicast" | null,
  { transport }: CameraSettings,
  { url }: Route,
): TransportKind | null {
  if (kind !== "tcp") return kind;
  return isHttpUrl(url) ? "http-flv" : transport === "http-tunnel" ? transport : kind;
}
