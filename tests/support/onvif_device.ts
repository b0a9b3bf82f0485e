import { createHash } from "node:crypto";
import { AuthVerifier } from "../../src/rtsp/mod.ts";
import { find, parseXml, textOf, type XmlElement } from "../../src/onvif/xml.ts";

/** How an ONVIF device of a test behaves. */
export interface DeviceOptions {
  username?: string;
  password?: string;
  /** How it checks them. @default {"token"} */
  auth?: "token" | "http-digest" | "http-basic" | "none";
  /** By how many milliseconds its clock is ahead. @default {0} */
  clockOffset?: number;
  /** Which services it has, and by which operation it says so. @default {"media"} */
  services?: "media" | "media2" | "empty-media2" | "capabilities" | "none";
  /** Host that it says it has, as one behind a router. @default {its own} */
  saysHost?: string;
  /** What it answers instead of the time. */
  clock?: "fault" | "unauthorized";
  /** Address of a stream; `{token}` and `{host}` are filled in. */
  uri?: string;
  /** Answers to operations, instead of its own. */
  answers?: Record<string, () => Response | Promise<Response>>;
}

const SOAP = "http://www.w3.org/2003/05/soap-envelope";

function wrap(body: string, prefix = "SOAP-ENV"): string {
  return `<?xml version="1.0" encoding="utf-8"?>\r\n<${prefix}:Envelope xmlns:${prefix}="${SOAP}" ` +
    `xmlns:tt="http://www.onvif.org/ver10/schema"><${prefix}:Body>${body}</${prefix}:Body></${prefix}:Envelope>`;
}

function fault(subcode: string, reason: string, status: number): Response {
  return new Response(
    wrap(
      `<SOAP-ENV:Fault><SOAP-ENV:Code><SOAP-ENV:Value>SOAP-ENV:Sender</SOAP-ENV:Value><SOAP-ENV:Subcode>` +
        `<SOAP-ENV:Value>ter:${subcode}</SOAP-ENV:Value></SOAP-ENV:Subcode></SOAP-ENV:Code>` +
        `<SOAP-ENV:Reason><SOAP-ENV:Text xml:lang="en">${reason}</SOAP-ENV:Text></SOAP-ENV:Reason></SOAP-ENV:Fault>`,
    ),
    { status },
  );
}

/** An ONVIF device on the loopback. */
export function startOnvifDevice(options: DeviceOptions = {}) {
  const { username = "", password = "", auth = "token", clockOffset = 0, services = "media" } = options;
  const asked: string[] = [];
  const nonces = new Set<string>();
  const verifier = new AuthVerifier({
    realm: "camera",
    password: (name) => name === username ? password : null,
    schemes: auth === "http-basic" ? ["Basic"] : ["MD5"],
    random: (into) => crypto.getRandomValues(into),
  });
  const clock = () => Date.now() + clockOffset;

  /** As devices do: the right digest, a nonce of its own, and a time within five seconds of the device's. */
  function hasToken(envelope: XmlElement): boolean {
    const token = find(envelope, "UsernameToken");
    const nonce = textOf(token, "Nonce"), created = textOf(token, "Created");
    const digest = createHash("sha1").update(Uint8Array.fromBase64(nonce)).update(created).update(password).digest(
      "base64",
    );
    const isFresh = !nonces.has(nonce) && Math.abs(Date.parse(created) - clock()) < 5_000;
    nonces.add(nonce);
    return isFresh && textOf(token, "Username") === username && textOf(token, "Password") === digest;
  }

  function refusal(request: Request, envelope: XmlElement): Response | null {
    if (username === "" || auth === "none") return null;
    if (auth === "token") return hasToken(envelope) ? null : fault("NotAuthorized", "Sender not Authorized", 400);
    const authorization = request.headers.get("Authorization");
    if (verifier.verify({ method: "POST", authorization }, Date.now()) === "ok") return null;
    const challenges = verifier.challenges(Date.now()).join(", ");
    return new Response("<html>401</html>", { status: 401, headers: { "WWW-Authenticate": challenges } });
  }

  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const text = await request.text();
    const envelope = parseXml(text);
    const [operation] = find(envelope, "Body")!.children;
    asked.push(operation.name);
    const special = options.answers?.[operation.name];
    if (special) return await special();
    if (operation.name === "GetSystemDateAndTime") {
      if (options.clock === "fault") return fault("Action", "No", 500);
      if (options.clock === "unauthorized") {
        return new Response("", { status: 401, headers: { Date: new Date(clock()).toUTCString() } });
      }
      return new Response(wrap(timeOf(new Date(clock()))));
    }
    return refusal(request, envelope) ?? answer(operation, text);
  });

  const host = () => `${options.saysHost ?? "127.0.0.1"}:${options.saysHost ? 80 : server.addr.port}`;

  function answer(operation: XmlElement, text: string): Response {
    const newer = text.includes("ver20/media");
    switch (operation.name) {
      case "GetServices":
        if (services === "capabilities") return fault("ActionNotSupported", "Optional Action Not Implemented", 500);
        return new Response(wrap(`<tds:GetServicesResponse xmlns:tds="t">${servicesXml()}</tds:GetServicesResponse>`));
      case "GetCapabilities":
        return new Response(wrap(
          services === "none"
            ? "<tds:GetCapabilitiesResponse/>"
            : `<tds:GetCapabilitiesResponse><tds:Capabilities><tt:Media>` +
              `<tt:XAddr>http://${host()}/onvif/media</tt:XAddr></tt:Media></tds:Capabilities></tds:GetCapabilitiesResponse>`,
        ));
      case "GetDeviceInformation":
        return new Response(
          wrap("<r><tds:Manufacturer>Acme</tds:Manufacturer><tds:Model>Eye &amp; Ear</tds:Model></r>"),
        );
      case "GetProfiles":
        return new Response(wrap(services === "empty-media2" && newer ? "<r/>" : profilesXml(newer)));
      case "GetStreamUri": {
        const token = textOf(operation, "ProfileToken");
        if (token === "unfinished") return fault("IncompleteConfiguration", "No encoder", 500);
        const uri = options.uri ?? "rtsp://{host}:554/{token}?a=1&amp;b=2";
        const filled = uri.replace("{token}", token).replace("{host}", options.saysHost ?? "127.0.0.1");
        return new Response(
          wrap(
            newer
              ? `<r><tr2:Uri>${filled}</tr2:Uri></r>`
              : `<r><tt:MediaUri><tt:Uri>${filled}</tt:Uri></tt:MediaUri></r>`,
          ),
        );
      }
    }
    return fault("ActionNotSupported", operation.name, 500);
  }

  function servicesXml(): string {
    const service = (version: string, path: string) =>
      `<tds:Service><tds:Namespace>http://www.onvif.org/${version}</tds:Namespace>` +
      `<tds:XAddr>http://${host()}${path}</tds:XAddr></tds:Service>`;
    const all = service("ver10/device/wsdl", "/onvif/device_service");
    if (services === "none") return all;
    const media = all + service("ver10/media/wsdl", "/onvif/media");
    return services === "media" ? media : media + service("ver20/media/wsdl", "/onvif/media2");
  }

  return {
    address: `127.0.0.1:${server.addr.port}`,
    /** Operations that it was asked for. */
    asked,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

function timeOf(date: Date): string {
  const [Hour, Minute, Second] = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()];
  const [Year, Month, Day] = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()];
  const xml = (values: Record<string, number>) =>
    Object.entries(values).map(([name, value]) => `<tt:${name}>${value}</tt:${name}>`).join("");
  return `<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>NTP</tt:DateTimeType><tt:UTCDateTime>` +
    `<tt:Time>${xml({ Hour, Minute, Second })}</tt:Time><tt:Date>${
      xml({ Year, Month, Day })
    }</tt:Date></tt:UTCDateTime>` +
    `</tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>`;
}

function profilesXml(newer: boolean): string {
  const encoder = (encoding: string, width: number, height: number) =>
    `<tt:Name>encoder</tt:Name><tt:Encoding>${encoding}</tt:Encoding><tt:Resolution><tt:Width>${width}</tt:Width>` +
    `<tt:Height>${height}</tt:Height></tt:Resolution><tt:RateControl><tt:FrameRateLimit>25</tt:FrameRateLimit>` +
    `<tt:BitrateLimit>4096</tt:BitrateLimit></tt:RateControl>`;
  const profile = (token: string, name: string, inside: string) =>
    newer
      ? `<tr2:Profiles token="${token}"><tr2:Name>${name}</tr2:Name><tr2:Configurations><tr2:VideoEncoder token="e">` +
        `${inside}</tr2:VideoEncoder></tr2:Configurations></tr2:Profiles>`
      : `<trt:Profiles fixed="true" token='${token}'><tt:Name>${name}</tt:Name><tt:VideoEncoderConfiguration token="e">` +
        `${inside}</tt:VideoEncoderConfiguration></trt:Profiles>`;
  return "<trt:GetProfilesResponse>" + profile("main", "Main &lt;1&gt;", encoder(newer ? "H265" : "H264", 2560, 1440)) +
    profile("sub", "Sub", encoder("H264", 640, 360)) + profile("unfinished", "Half", encoder("JPEG", 0, 0)) +
    '<trt:Profiles token="sound"><tt:Name>Sound alone</tt:Name></trt:Profiles></trt:GetProfilesResponse>';
}

/** Something that hears questions for cameras on a port of the loopback, and sends what a test has it send. */
export function startProbeListener(answers: (probe: XmlElement) => (string | Uint8Array<ArrayBuffer>)[]) {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    for await (const [data, from] of socket) {
      for (const answer of answers(parseXml(new TextDecoder().decode(data)))) {
        await socket.send(typeof answer === "string" ? new TextEncoder().encode(answer) : answer, from);
      }
    }
  })();
  return {
    at: { hostname: "127.0.0.1", port: (socket.addr as Deno.NetAddr).port },
    async [Symbol.asyncDispose]() {
      socket.close();
      await serving;
    },
  };
}

/** An answer to a question for cameras. */
export function probeMatch(
  probe: XmlElement,
  camera: { id?: string; addresses?: string; scopes?: string; relatesTo?: string } = {},
): string {
  const { id = "urn:uuid:1", addresses = "http://127.0.0.1/onvif/device_service", scopes = "" } = camera;
  return wrap(
    `<d:ProbeMatches><d:ProbeMatch><a:EndpointReference><a:Address>${id}</a:Address></a:EndpointReference>` +
      `<d:Types>dn:NetworkVideoTransmitter tds:Device</d:Types><d:Scopes>${scopes}</d:Scopes><d:XAddrs>${addresses}</d:XAddrs>` +
      `</d:ProbeMatch></d:ProbeMatches>`,
    "s",
  ).replace(
    "<s:Body>",
    `<s:Header><a:RelatesTo>${camera.relatesTo ?? textOf(probe, "MessageID")}</a:RelatesTo></s:Header><s:Body>`,
  );
}
