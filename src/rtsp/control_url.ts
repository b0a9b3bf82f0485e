// Pure: no I/O.
import { pathOf, type RtspUrl, withAuthority } from "./url.ts";

/**
 * The URL that a description's relative addresses begin with: Content-Base, else Content-Location, else what was
 * asked for. Host and port stay those that were connected to, whatever the camera calls itself.
 */
export function baseUrl(asked: RtspUrl, contentBase: string | null, contentLocation: string | null): string {
  for (const candidate of [contentBase, contentLocation]) {
    if (candidate !== null && pathOf(candidate) !== "") return withAuthority(candidate, asked);
  }
  return asked.href;
}

/**
 * The URL of an `a=control`: joined as text, as cameras expect it; a query in the base stays in front.
 *
 * @see RFC 2326, C.1.1
 */
export function controlUrl(control: string, base: string, asked: RtspUrl): string {
  const wanted = control.trim().replace(/[\r\n\0]/g, "");
  if (wanted === "" || wanted === "*") return base;
  if (/^rtsps?:\/\//i.test(wanted)) return pathOf(wanted) === "" ? base : withAuthority(wanted, asked);
  if (wanted.startsWith("?")) return base + wanted;
  return base.endsWith("/") ? base + wanted.replace(/^\/+/, "") : base + (wanted.startsWith("/") ? "" : "/") + wanted;
}
