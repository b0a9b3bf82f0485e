// Pure: no I/O.
import type { TlsTrust } from "../../workers/tls_protocol.ts";

/** Whom an `rtsps:` address is believed to be. */
export interface TlsOptions {
  /**
   * SHA-256 of the camera's certificate in hex, with or without colons; or several, of which it may have any. Nothing else of
   * the certificate counts then: cameras sign theirs by themselves, for another name, until a date long past.
   */
  fingerprint?: string | readonly string[];
  /** Certificates of one's own authorities, PEM, that count in the place of the world's. */
  ca?: string | readonly string[];
}

/** @throws {SyntaxError} where a fingerprint is none, or a certificate is not PEM. */
export function tlsTrust({ fingerprint = [], ca }: TlsOptions = {}): TlsTrust {
  const fingerprints = [fingerprint].flat().map((text) => {
    const hex = text.replace(/[:\s]/g, "").toLowerCase();
    if (!/^[0-9a-f]{64}$/.test(hex)) {
      throw new SyntaxError(`Cannot use fingerprint "${text}": expected the 64 hex digits of a SHA-256`);
    }
    return hex;
  });
  const authorities = ca === undefined ? null : [ca].flat();
  if (authorities?.some((text) => !text.includes("-----BEGIN CERTIFICATE-----"))) {
    throw new SyntaxError("Cannot use a certificate: expected PEM, which begins with -----BEGIN CERTIFICATE-----");
  }
  return { fingerprints, ca: authorities };
}
