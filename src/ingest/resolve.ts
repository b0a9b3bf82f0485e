import { RtspError } from "../media/mod.ts";
import { sleep } from "../media/sleep.ts";
import { decodeAddress } from "../../ffi/address.ts";
import { ERRNO } from "../../ffi/errno.ts";
import type { NativeLibrary } from "../../ffi/load.ts";
import { refuseDeniedNet, requestNet } from "../../ffi/net_permission.ts";
import { ADDRESS_BYTES, cString } from "../../ffi/symbols.ts";
import { redactUrl, type RtspUrl } from "../rtsp/mod.ts";
import type { CameraSettings } from "../../workers/ingest_protocol.ts";

/** Addresses of one name that are tried. */
const MAX_ADDRESSES = 8;

/**
 * The addresses of a camera, once Deno has said that this program may reach it.
 *
 * @throws {RtspError} `permission`, or `address` where there is no such host.
 */
export async function resolveCamera(library: NativeLibrary, url: RtspUrl): Promise<Uint8Array<ArrayBuffer>> {
  const action = `Cannot open ${redactUrl(url.href)}`;
  try {
    await requestNet(url.host, url.port);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotCapable)) throw cause;
    throw new RtspError("permission", `${action}: ${lowerFirst(cause.message)}`, { cause });
  }
  const out = new Uint8Array(MAX_ADDRESSES * ADDRESS_BYTES);
  const count = await library.symbols.mr_resolve_async(cString(url.host), url.port, 0, out, MAX_ADDRESSES);
  if (count === -ERRNO.EAGAIN) {
    throw new RtspError(
      "address",
      `${action}: the name server does not answer; check the network, or use a numeric address`,
    );
  }
  if (count <= 0) throw new RtspError("address", `${action}: there is no host ${url.host}; check the address`);
  const addresses = out.slice(0, count * ADDRESS_BYTES);
  for (let i = 0; i < count; i++) {
    const { hostname } = decodeAddress(addresses, i * ADDRESS_BYTES)!;
    try {
      await refuseDeniedNet(url.host, hostname, url.port);
    } catch (cause) {
      throw new RtspError("permission", `${action}: ${lowerFirst((cause as Error).message)}`, { cause });
    }
  }
  return addresses;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** As `resolveCamera`; with `"from-start"` a name server that does not know the host yet is asked again. */
export async function resolvePatiently(
  library: NativeLibrary,
  address: RtspUrl,
  { retry, reconnect }: Pick<CameraSettings, "retry" | "reconnect">,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  for (;;) {
    try {
      return await resolveCamera(library, address);
    } catch (error) {
      const isRetried = retry === "from-start" && reconnect && error instanceof RtspError && error.code === "address";
      if (!isRetried || signal.aborted) throw error;
      await sleep(Math.min(reconnect.maxConnectDelay, reconnect.maxDelay), signal);
    }
  }
}
