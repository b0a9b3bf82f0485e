import tls from "node:tls";
import type { TlsRefusal, TlsTrust } from "../tls_protocol.ts";

/** What is known of a connection whose keys were exchanged. */
export interface Peer {
  /** Whether the chain leads to an authority; else why not. */
  authorized: boolean;
  reason: string;
  certificate: tls.PeerCertificate;
}

/** Whether a peer is to be believed that it is the camera; null where it is, else why not. Nothing was sent to it so far. */
export function distrust({ authorized, reason, certificate }: Peer, host: string, trust: TlsTrust): TlsRefusal | null {
  const fingerprint = certificate.fingerprint256 ?? "";
  if (trust.fingerprints.length > 0) {
    const known = trust.fingerprints.includes(fingerprint.replaceAll(":", "").toLowerCase());
    return known ? null : {
      code: "certificate",
      reason: `the camera's certificate is not the expected one: its fingerprint is ${fingerprint || "not known"}`,
    };
  }
  const problem = authorized ? tls.checkServerIdentity(host, certificate)?.message : reason;
  if (problem === undefined) return null;
  return {
    code: "certificate",
    reason:
      `the camera's certificate is not trusted (${problem}); if its fingerprint is ${fingerprint} in the camera's own ` +
      `pages, too, open it with tls: { fingerprint: "${fingerprint}" }`,
  };
}
