// Pure: no I/O.
import type { RtspUrl } from "../rtsp/mod.ts";
import type { CameraTransport } from "../../workers/ingest_protocol.ts";

/** Hosts where UDP stayed silent: the next camera that is opened there does not wait for it once more. */
export class TransportMemory {
  readonly #silent = new Set<string>();

  /** What to ask a host for. */
  policyFor(address: RtspUrl, policy: CameraTransport): CameraTransport {
    // Whoever asks for TLS does not mean pictures in the clear.
    return policy === "auto" && (address.secure || this.#silent.has(keyOf(address))) ? "tcp" : policy;
  }

  /** Pictures came over TCP after UDP was silent. */
  udpWasSilent(address: RtspUrl): void {
    this.#silent.add(keyOf(address));
  }

  /** Something is different there now. */
  forget(address: RtspUrl): void {
    this.#silent.delete(keyOf(address));
  }
}

/** Of this process. */
export const transportMemory = new TransportMemory();

function keyOf({ host, port }: RtspUrl): string {
  return `${host.toLowerCase()} ${port}`;
}
