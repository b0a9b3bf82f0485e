// Pure: no I/O.
import { createHash } from "node:crypto";
import { escapeXml, find, parseXml, textOf, type XmlElement } from "./xml.ts";

/** The namespaces of ONVIF's services that are asked. */
export const NAMESPACE = {
  device: "http://www.onvif.org/ver10/device/wsdl",
  media: "http://www.onvif.org/ver10/media/wsdl",
  media2: "http://www.onvif.org/ver20/media/wsdl",
} as const;

const ENVELOPE = "http://www.w3.org/2003/05/soap-envelope";
const SECURITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
const UTILITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
const DIGEST = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest";
const BASE64 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary";

/** Who asks, and when it is by the device's clock. */
export interface UsernameToken {
  username: string;
  password: string;
  /** Unix milliseconds. */
  createdMs: number;
  /** Sixteen bytes that were never used before. */
  nonce: Uint8Array;
}

/** A request: its body, and who asks where somebody does. */
export function envelope(body: string, token: UsernameToken | null): string {
  return `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="${ENVELOPE}"><s:Header>` +
    `${token ? securityHeader(token) : ""}</s:Header><s:Body>${body}</s:Body></s:Envelope>`;
}

/** @see OASIS Web Services Security UsernameToken Profile 1.0, 3.1 */
function securityHeader({ username, password, createdMs, nonce }: UsernameToken): string {
  // Without fractions: some devices cannot read them.
  const created = new Date(createdMs).toISOString().replace(/\.\d+Z$/, "Z");
  const digest = createHash("sha1").update(nonce).update(created).update(password).digest("base64");
  return `<Security s:mustUnderstand="1" xmlns="${SECURITY}"><UsernameToken>` +
    `<Username>${escapeXml(username)}</Username><Password Type="${DIGEST}">${digest}</Password>` +
    `<Nonce EncodingType="${BASE64}">${nonce.toBase64()}</Nonce><Created xmlns="${UTILITY}">${created}</Created>` +
    `</UsernameToken></Security>`;
}

/** What a device answered. */
export type Answer =
  | { kind: "body"; body: XmlElement }
  /** It refused; `unauthorized`: for want of the right user name and password. */
  | { kind: "fault"; unauthorized: boolean; reason: string };

/**
 * Reads an answer.
 *
 * @throws {SyntaxError} where it is no SOAP.
 */
export function readAnswer(document: string): Answer {
  const root = parseXml(document);
  const body = root.name === "Envelope" ? find(root, "Body") : undefined;
  if (!body) throw new SyntaxError("Cannot read an answer: it is no SOAP message");
  const fault = body.children.find(({ name }) => name === "Fault");
  if (!fault) return { kind: "body", body };
  // SOAP 1.2, and 1.1 as some devices still speak it.
  const reason = textOf(fault, "Reason", "Text") || textOf(fault, "faultstring") || "no reason given";
  const codes = [fault, ...everyBelow(fault)].filter(({ name }) => name === "Value" || name === "faultcode");
  const unauthorized =
    codes.some(({ text }) => /NotAuthorized|FailedAuthentication|FailedCheck|InvalidSecurity/i.test(text)) ||
    /not authori[sz]ed|authority failure|unauthori[sz]ed|authenticat|time check failed/i.test(reason);
  return { kind: "fault", unauthorized, reason: reason.slice(0, 200) };
}

function everyBelow(element: XmlElement): XmlElement[] {
  return element.children.flatMap((child) => [child, ...everyBelow(child)]);
}
