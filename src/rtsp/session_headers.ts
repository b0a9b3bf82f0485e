// Pure: no I/O.
import type { RtpInfo } from "./session_events.ts";

/** Seconds after which a silent session ends where the server does not say. @see RFC 2326, 12.37 */
const DEFAULT_TIMEOUT = 60;

/** `Session: 4F2A;timeout=60`. A time-out that is none is the default. */
export function parseSessionHeader(header: string): { id: string; timeoutSeconds: number } {
  const [id, ...parameters] = header.split(";");
  const timeout = parameters.map((text) => /^\s*timeout\s*=\s*"?(\d{1,6})/i.exec(text)?.[1]).find((text) =>
    text !== undefined
  );
  const seconds = Number(timeout ?? DEFAULT_TIMEOUT);
  return { id: id.replaceAll("\0", "").trim(), timeoutSeconds: seconds > 0 ? seconds : DEFAULT_TIMEOUT };
}

/** The session that a server named. */
export class ServedSession {
  /** Empty where there is none. */
  id = "";
  timeoutSeconds = DEFAULT_TIMEOUT;

  /** Takes the header of an answer. */
  take(header: string | null): void {
    if (header !== null) ({ id: this.id, timeoutSeconds: this.timeoutSeconds } = parseSessionHeader(header));
  }

  /** What a request within the session says of it. */
  get fields(): [string, string][] {
    return this.id === "" ? [] : [["Session", this.id]];
  }
}

/** The methods of a Public header, in upper case. */
export function parsePublic(headers: readonly string[]): Set<string> {
  return new Set(headers.flatMap((header) => header.split(",")).map((method) => method.trim().toUpperCase()));
}

/**
 * RTP-Info: one entry for each stream, numbers null where they cannot be read. URLs may hold commas and semicolons, so
 * that entries are told apart by their `url=`.
 */
export function parseRtpInfo(header: string): RtpInfo[] {
  const entries = header.split(/(?:^|,)\s*(?=url\s*=)/i).filter((entry) => entry.trim() !== "");
  return entries.slice(0, 64).map((entry) => ({
    url: /url\s*=\s*"?(.*?)"?\s*(?:;\s*(?:seq|rtptime|ssrc)\s*=|,?\s*$)/i.exec(entry)?.[1] ?? "",
    sequence: number(/;\s*seq\s*=\s*(\d{1,10})/i.exec(entry)?.[1], 2 ** 16),
    rtpTimestamp: number(/;\s*rtptime\s*=\s*(\d{1,10})/i.exec(entry)?.[1], 2 ** 32),
  }));
}

function number(text: string | undefined, limit: number): number | null {
  return text === undefined || Number(text) >= limit ? null : Number(text);
}
