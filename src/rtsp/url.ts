// Pure: no I/O.

/** An address of RTSP, or of HTTP where a camera is asked by that, credentials apart. */
export interface RtspUrl {
  /** Whether it is `rtsps:` or `https:`, which are over TLS. */
  secure: boolean;
  /** Without the brackets of an IPv6 address. */
  host: string;
  port: number;
  /** Percent-decoded; empty where there is none. */
  username: string;
  password: string;
  /** The address as it is sent and shown: without credentials and fragment; the port only where it was given. */
  href: string;
}

/** The port where an address names none. */
const PORTS = { rtsp: 554, rtsps: 322, http: 80, https: 443 } as const;
type Scheme = keyof typeof PORTS;

/** Query fields that cameras take passwords in; where the address stands in a sentence, what ends a part of that is not its. */
const SECRET_FIELDS = /([?&](?:password|passwd|pass|pwd|token)=)[^&#\s]*?(?=[&#\s]|["':;,)]+(?:\s|$)|$)/gi;

/**
 * Reads an RTSP address. A password may hold any character unescaped, `@`, `#`, `/` and `?` among them: what people
 * paste is what the camera's page shows. Where a reading is in doubt (a password with a slash, and an `@` in the path)
 * give user name and password apart, or percent-encode them.
 *
 * @throws {SyntaxError} where it is no RTSP address; the message holds no password.
 */
export function parseRtspUrl(text: string): RtspUrl {
  return parseUrl(text, ["rtsp", "rtsps"]);
}

/**
 * Reads the address of a camera that is asked by HTTP, as `parseRtspUrl` does.
 *
 * @throws {SyntaxError} where it is no HTTP address; the message holds no password.
 */
export function parseHttpUrl(text: string): RtspUrl {
  return parseUrl(text, ["http", "https"]);
}

/**
 * Reads the address of a camera, of either kind.
 *
 * @throws {SyntaxError} where it is neither; the message holds no password.
 */
export function parseCameraUrl(text: string): RtspUrl {
  return parseUrl(text, ["rtsp", "rtsps", "http", "https"]);
}

/** Whether an address is one of HTTP. */
export function isHttpUrl(text: string): boolean {
  return /^\s*https?:/i.test(text);
}

function parseUrl(text: string, schemes: readonly Scheme[]): RtspUrl {
  const trimmed = text.trim();
  const begin = /^([a-z]+):\/\//i.exec(trimmed);
  const scheme = schemes.find((one) => one === begin?.[1].toLowerCase());
  if (begin === null || scheme === undefined) {
    // `user:password@host` without a scheme has a password, too.
    const shown = trimmed.includes("://") ? redactUrl(trimmed) : redactUrl(`rtsp://${trimmed}`).slice(7);
    const known = schemes.map((one) => `${one}://`), last = known.pop();
    throw new SyntaxError(`Cannot read address "${shown}": it does not begin with ${known.join(", ")} or ${last}`);
  }
  const rest = trimmed.slice(begin[0].length);
  const { userinfo, location } = splitCredentials(rest);
  const slash = location.search(/[/?#]/);
  const authority = parseAuthority(slash < 0 ? location : location.slice(0, slash));
  if (authority === null) {
    throw new SyntaxError(`Cannot read address "${redactUrl(trimmed)}": it has no valid host and port`);
  }
  const path = slash < 0 ? "" : location.slice(slash).replace(/#.*$/, "").replace(/[\s\0]/g, encodeURIComponent);
  const colon = userinfo.indexOf(":");
  const username = colon < 0 ? userinfo : userinfo.slice(0, colon);
  const password = colon < 0 ? "" : userinfo.slice(colon + 1);
  return {
    secure: scheme === "rtsps" || scheme === "https",
    host: authority.host,
    port: authority.port ?? PORTS[scheme],
    username: decode(username),
    password: decode(password),
    href: `${scheme}://${authority.text}${path.startsWith("?") ? "/" + path : path}`,
  };
}

/** Replaces the password in anything that looks like an address with credentials; other text stays as it is. */
export function redactUrl(text: string): string {
  const redacted = text.replace(SECRET_FIELDS, "$1***");
  const begin = redacted.indexOf("://");
  if (begin < 0) return redacted;
  const rest = redacted.slice(begin + 3);
  const { userinfo, location } = splitCredentials(rest);
  if (userinfo === "") {
    // An address that cannot be read may hold a password all the same: nothing in front of the last @ is shown.
    const readable = parseAuthority(rest.split(/[/?#]/)[0]) !== null;
    const at = readable ? -1 : rest.lastIndexOf("@");
    return at < 0 ? redacted : redacted.slice(0, begin + 3) + "***" + rest.slice(at);
  }
  const colon = userinfo.indexOf(":");
  return redacted.slice(0, begin + 3) + (colon < 0 ? userinfo : userinfo.slice(0, colon) + ":***") + "@" + location;
}

/** An address with the host and port of another: what a camera behind a router says of itself is its inner address. */
export function withAuthority(url: string, of: RtspUrl): string {
  const path = pathOf(url);
  const authority = /^[a-z]+:\/\/[^/?]*/i.exec(of.href)?.[0] ?? of.href;
  return authority + path;
}

/** The address, without credentials, that a Location header means; null where it is none. */
export function resolveLocation(location: string, from: RtspUrl): string | null {
  const text = location.trim();
  try {
    return text.startsWith("/")
      ? withAuthority(text, from)
      : (isHttpUrl(from.href) ? parseHttpUrl(text) : parseRtspUrl(text)).href;
  } catch {
    return null;
  }
}

/**
 * Path and query of what a camera calls its address: `rtsp://rtsp://host/path`, `host:port/path`,
 * `rtsp://::ffff:1.2.3.4/path` and `/path` among them.
 */
export function pathOf(url: string): string {
  let rest = url.trim().replace(/[\r\n\0]/g, "");
  let absolute = false;
  for (let scheme = /^[a-z]+:\/\//i.exec(rest); scheme !== null; scheme = /^[a-z]+:\/\//i.exec(rest)) {
    rest = rest.slice(scheme[0].length);
    absolute = true;
  }
  if (!absolute && rest.startsWith("/")) return rest;
  const slash = rest.search(/[/?]/);
  return slash < 0 ? "" : rest.slice(slash);
}

/** The part in front of the host, and the part from the host on. */
function splitCredentials(rest: string): { userinfo: string; location: string } {
  const slash = rest.indexOf("/");
  const authority = slash < 0 ? rest : rest.slice(0, slash);
  const at = authority.lastIndexOf("@");
  if (at >= 0) {
    const before = authority.slice(0, at);
    // `host?mail=a@b` has its @ in the query.
    const inQuery = !before.includes(":") && before.includes("?");
    if (!inQuery && parseAuthority(authority.slice(at + 1).split(/[?#]/)[0]) !== null) {
      return { userinfo: before, location: rest.slice(at + 1) };
    }
  }
  const host = authority.split(/[?#]/)[0];
  if (parseAuthority(host) !== null) return { userinfo: "", location: rest };
  // No host so far: a slash in the password. The first @ that a host follows ends it.
  for (let i = rest.indexOf("@", slash); i >= 0; i = rest.indexOf("@", i + 1)) {
    if (parseAuthority(rest.slice(i + 1).split(/[/?#]/)[0]) !== null) {
      return { userinfo: rest.slice(0, i), location: rest.slice(i + 1) };
    }
  }
  return { userinfo: "", location: rest };
}

function parseAuthority(text: string): { host: string; port: number | null; text: string } | null {
  const parts = /^(?:\[([0-9a-fA-F:.]+(?:%[\w.-]+)?)\]|([^\s:@[\]/?#!^"'<>\\{}|`]+))(?::(\d{0,5}))?$/.exec(text);
  if (parts === null) return null;
  const port = parts[3] === undefined || parts[3] === "" ? null : Number(parts[3]);
  if (port !== null && (port < 1 || port > 65_535)) return null;
  return { host: parts[1] ?? parts[2], port, text: text.replace(/:$/, "") };
}

/** Percent-decodes where all of it can be; `100%` is a password too. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
