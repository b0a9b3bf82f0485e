// Pure: no I/O.
import { RtspHeaders } from "./headers.ts";
import { type RtspRequest, serializeResponse } from "./message.ts";

/** What a client takes from a server. */
const KNOWN = ["OPTIONS", "GET_PARAMETER", "SET_PARAMETER", "ANNOUNCE", "TEARDOWN", "REDIRECT"];

/** The answer to a request that a server sends to its client. */
export function answerPeer(request: RtspRequest): Uint8Array<ArrayBuffer> {
  const headers = new RtspHeaders();
  const cseq = request.headers.get("CSeq");
  if (cseq !== null && /^\d{1,10}$/.test(cseq)) headers.append("CSeq", cseq);
  if (request.method === "OPTIONS") headers.append("Public", KNOWN.join(", "));
  return serializeResponse({ status: KNOWN.includes(request.method) ? 200 : 501, headers });
}
