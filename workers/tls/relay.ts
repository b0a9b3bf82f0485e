import tls from "node:tls";
import { isIP } from "node:net";
import { ERRNO } from "../../ffi/errno.ts";
import type { NativeLibrary } from "../../ffi/load.ts";
import { POLL_OUT } from "../../ffi/symbols.ts";
import { REFUSED, SECURED, type TlsRefusal, type TlsTrust } from "../tls_protocol.ts";
import { NativeStream, type Waiter } from "./native_stream.ts";
import { distrust } from "./trust.ts";

/** What is to be secured. */
export interface RelayOptions {
  /** The end that plain bytes go to; this object's from now on. */
  handle: number;
  address: Uint8Array<ArrayBuffer>;
  host: string;
  trust: TlsTrust;
}

/** Connects to a camera by TLS, and passes bytes on between it and a plain stream. Ends with either of the two. */
export function relay(library: NativeLibrary, waiter: Waiter, options: RelayOptions): void {
  const { address, handle } = options;
  const plain = new NativeStream(library, handle, waiter);
  plain.on("error", () => {}); // its other end is gone, which is how it ends
  const camera = library.symbols.mr_tcp_connect(address);
  if (camera < 0) return refuse(plain, { errno: -camera });
  let over = false;
  plain.once("close", () => {
    if (over) return;
    over = true;
    waiter.close(camera);
  });
  plain.resume(); // nothing comes before it is secured but its end
  waiter.watch(camera, POLL_OUT, () => {
    const status = library.symbols.mr_tcp_status(camera);
    if (status === -ERRNO.EINPROGRESS || over) return;
    if (status < 0) return refuse(plain, { errno: -status });
    over = true; // the stream closes it from now on
    plain.pause();
    const far = new NativeStream(library, camera, waiter);
    secure(plain, far, options);
  });
}

function secure(plain: NativeStream, far: NativeStream, { host, trust }: RelayOptions): void {
  // What cannot be verified is looked at here, before a byte is sent: fingerprints are the camera's way of being known.
  const secured = tls.connect({
    socket: far,
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
    // An address is no server's name. RFC 6066, 3
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(trust.ca ? { ca: [...trust.ca] } : {}),
  });
  let standing = false;
  const end = () => {
    secured.destroy();
    far.destroy();
    plain.destroy();
  };
  plain.on("close", end);
  secured.on(
    "close",
    () => standing ? end() : refuse(plain, { code: "closed", reason: "the camera ended the handshake" }),
  );
  secured.on("error", (error: Error) => {
    if (standing) end();
    else refuse(plain, { code: "protocol", reason: `no TLS came about: ${error.message}` });
  });
  secured.on("secureConnect", () => {
    const { authorized, authorizationError } = secured;
    const peer = { authorized, reason: String(authorizationError), certificate: secured.getPeerCertificate() };
    const refusal = distrust(peer, host, trust);
    if (refusal) return refuse(plain, refusal);
    standing = true;
    plain.write(Uint8Array.of(SECURED));
    secured.pipe(plain);
    plain.pipe(secured);
  });
}

/** Says why, and ends. */
function refuse(plain: NativeStream, refusal: TlsRefusal): void {
  if (plain.destroyed || plain.writableEnded) return;
  plain.end(Uint8Array.of(REFUSED, ...new TextEncoder().encode(JSON.stringify(refusal))), () => plain.destroy());
}
