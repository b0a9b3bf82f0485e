// Pure: no I/O.
import type { RtspErrorCode } from "../src/media/mod.ts";

/** Whom to believe that it is the camera. */
export interface TlsTrust {
  /** SHA-256 of the certificate, in hex without colons; where there are any, nothing else counts. */
  fingerprints: readonly string[];
  /** Certificates of one's own authorities, PEM, in the place of the world's; null: the world's. */
  ca: readonly string[] | null;
}

/** What the main thread tells the TLS worker. The first message is `init`; closing the poll handle ends the thread. */
export type ToTlsWorker =
  | { type: "init"; library: string; poll: number }
  /** Connects, and passes on between the camera and the handle, which is the worker's from then on. */
  | { type: "open"; handle: number; address: Uint8Array<ArrayBuffer>; host: string; trust: TlsTrust };

/** The first byte of what comes out of the handle: the camera's bytes follow, or a `TlsRefusal` in JSON and the end. */
export const SECURED = 1;
export const REFUSED = 2;

/** Why there is no secure connection. */
export type TlsRefusal =
  | { errno: number }
  | { code: RtspErrorCode; reason: string };
