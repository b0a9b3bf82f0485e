// Pure: no I/O.
import { RtspError, type RtspErrorCode } from "../media/mod.ts";
import { Authenticator } from "./auth.ts";
import { RtspHeaders } from "./headers.ts";
import { frameInterleaved, reasonOf, type RtspRequest, type RtspResponse, serializeResponse } from "./message.ts";
import { RtspParser } from "./parser.ts";
import { type PendingRequest, RequestBook } from "./request_book.ts";
import { parseSdp } from "./sdp.ts";
import { statusError, trackError } from "./session_errors.ts";
import type { RtspSessionEvent, RtspSessionOptions, RtspSessionStats, RtspTrack } from "./session_events.ts";
import { parsePublic, parseRtpInfo, parseSessionHeader } from "./session_headers.ts";
import { negotiated, type TransportOffer } from "./setup_answer.ts";
import { baseUrl, controlUrl, tracksOf } from "./tracks.ts";
import { formatTransport, transportSpec } from "./transport_header.ts";
import { parseRtspUrl, pathOf, type RtspUrl } from "./url.ts";

/** Where a session is. */
export type RtspSessionState =
  | "idle"
  | "options"
  | "describe"
  | "ports"
  | "setup"
  | "play"
  | "playing"
  | "closing"
  | "ended";

/** Bytes that may wait to be written before reports and keep-alives are left out. */
const MAX_UNSENT = 256 * 1024;
/** How long TEARDOWN is waited for, in milliseconds. */
const CLOSE_TIMEOUT = 1000;
/** The longest time between two keep-alives, in milliseconds. */
const MAX_KEEP_ALIVE = 25_000;
const SUPPORTED = "OPTIONS, GET_PARAMETER, SET_PARAMETER, ANNOUNCE, TEARDOWN, REDIRECT";

/**
 * The client's side of one RTSP connection, without the connection: bytes and the time go in, bytes and events come
 * out. It asks for the description, sets up the first video track of a wanted codec, plays it and keeps it alive.
 *
 * After each call take `outgoing()` until it is null, then `events()`. Nothing that the peer sends makes a call throw.
 *
 * @see RFC 2326
 */
export class RtspClientSession {
  readonly url: RtspUrl;
  readonly stats: RtspSessionStats = {
    requests: 0,
    responses: 0,
    keepAlives: 0,
    frames: 0,
    unknownChannel: 0,
    garbageBytes: 0,
    unexpected: 0,
  };
  readonly #options: Required<Omit<RtspSessionOptions, "username" | "password">>;
  readonly #parser: RtspParser;
  readonly #book: RequestBook;
  readonly #hasCredentials: boolean;
  readonly #transports: ("udp" | "tcp")[];
  readonly #channels = new Set<number>();
  #state: RtspSessionState = "idle";
  #out: Uint8Array[] = [];
  #unsent = 0;
  #events: RtspSessionEvent[] = [];
  #now = 0;
  #since = 0;
  #base = "";
  #playUrl = "";
  #methods = new Set<string>();
  #selected: RtspTrack[] = [];
  #at = 0;
  #offer: TransportOffer | null = null;
  #sessionId = "";
  #sessionTimeout = 60;
  #usesUdp = false;
  #keepAliveAt = 0;
  #keepAliveRetried = false;
  #mediaAt = -1;

  /** @throws {SyntaxError} where the URL is none. */
  constructor(url: string | RtspUrl, options: RtspSessionOptions) {
    this.url = typeof url === "string" ? parseRtspUrl(url) : url;
    const { username = this.url.username, password = this.url.password, ...rest } = options;
    this.#options = {
      transport: "auto",
      codecs: ["h264"],
      userAgent: "Millrace",
      responseTimeout: 10_000,
      firstPacketTimeout: 10_000,
      udpTimeout: 3_000,
      idleTimeout: 10_000,
      ...rest,
    };
    const { random, userAgent, transport } = this.#options;
    const authenticator = new Authenticator({ username, password, random });
    this.#hasCredentials = authenticator.hasCredentials;
    this.#book = new RequestBook({ authenticator, userAgent });
    this.#transports = transport === "auto" ? ["udp", "tcp"] : [transport];
    this.#parser = new RtspParser({
      request: (request) => this.#onRequest(request),
      response: (response) => this.#onResponse(response),
      interleaved: (channel, data, start, end) => this.#onFrame(channel, data, start, end),
      fault: (error) => this.#fail("protocol", error.message),
    });
    this.#parser.isKnownChannel = (channel) => this.#channels.has(channel);
  }

  get state(): RtspSessionState {
    return this.#state;
  }

  /** Begins, once the connection stands. */
  start(now: number): void {
    if (this.#state !== "idle") return;
    this.#now = now;
    this.#state = "options";
    this.#send("OPTIONS", this.url.href, []);
  }

  /** Takes what came over the connection; `onMedia` is called while this runs. The bytes are not kept. */
  receive(bytes: Uint8Array, now: number): void {
    if (this.#state === "ended" || this.#state === "idle") return;
    this.#now = now;
    this.#parser.receive(bytes);
    this.stats.garbageBytes = this.#parser.garbageBytes;
  }

  /** Sends keep-alives and ends what takes too long. To be called every quarter of a second or so. */
  tick(now: number): void {
    this.#now = now;
    if (this.#state === "idle" || this.#state === "ended") return;
    if (this.#state === "closing") {
      if (now - this.#since >= CLOSE_TIMEOUT) this.#end();
      return;
    }
    const { pending } = this.#book;
    if (pending !== null && now - pending.sentAt >= this.#options.responseTimeout) {
      // Packets come: the answer to PLAY was lost, or never meant to be.
      if (pending.method === "PLAY" && this.#mediaAt >= 0) return this.#playing([]);
      const seconds = this.#options.responseTimeout / 1000;
      return this.#fail("timeout", `the camera did not answer ${pending.method} in ${seconds} s`, pending.method);
    }
    if (this.#state === "playing") this.#watch();
  }

  /** The next bytes to be written to the connection, the caller's from now on; null where there are none. */
  outgoing(): Uint8Array | null {
    const next = this.#out.shift();
    if (next === undefined) return null;
    this.#unsent -= next.length;
    return next;
  }

  /** What happened since the last call. */
  events(): readonly RtspSessionEvent[] {
    if (this.#events.length === 0) return NO_EVENTS;
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** Answers `udp-ports`: the ports that were opened for the track. */
  udpPorts(track: RtspTrack, rtpPort: number, rtcpPort: number, now: number): void {
    if (this.#state !== "ports" || track !== this.#selected[this.#at]) return;
    this.#now = now;
    this.#setup({ kind: "udp", rtpPort, rtcpPort });
  }

  /** Answers `udp-ports` where none can be opened: TCP is next, where the policy allows it. */
  udpUnavailable(track: RtspTrack, reason: string, now: number): void {
    if (this.#state !== "ports" || track !== this.#selected[this.#at]) return;
    this.#now = now;
    this.#nextTransport(new RtspError("transport", `${this.#action()}: no UDP ports can be opened: ${reason}`));
  }

  /** Says that a packet came over UDP. */
  mediaReceived(now: number): void {
    this.#mediaAt = now;
  }

  /** Sends one packet over the connection; false where too much waits already, and it was dropped. */
  sendInterleaved(channel: number, packet: Uint8Array): boolean {
    if (this.#state === "ended" || this.#unsent > MAX_UNSENT || packet.length > 0xffff) return false;
    this.#write(frameInterleaved(channel, packet));
    return true;
  }

  /** Says that the connection is gone. */
  disconnected(now: number): void {
    this.#now = now;
    if (this.#state === "closing") return this.#end();
    const waiting = this.#book.pending;
    this.#sessionId = "";
    this.#fail(
      "closed",
      "the camera closed the connection" + (waiting === null ? "" : ` instead of answering ${waiting.method}`),
    );
  }

  /** Ends the session in order: TEARDOWN, so that the camera has room for the next one. */
  close(now: number): void {
    if (this.#state === "ended" || this.#state === "closing") return;
    this.#now = now;
    if (this.#sessionId === "") return this.#end();
    this.#state = "closing";
    this.#since = now;
    this.#send("TEARDOWN", this.#playUrl, [["Session", this.#sessionId]]);
  }

  #onResponse(response: RtspResponse): void {
    if (this.#state === "ended") return;
    this.stats.responses++;
    if (response.protocol === "HTTP") {
      return this.#fail("protocol", "a web server answers there, not RTSP; the port of RTSP is usually 554");
    }
    if (response.status < 200) return;
    const match = this.#book.match(response);
    if (match === null) {
      this.stats.unexpected++;
      return;
    }
    if (match.kind === "background") return this.#onKeepAlive(match.method, response);
    const { request } = match;
    if (this.#state === "closing") return this.#end();
    if (response.status === 401 && this.#book.challenged(response, request.retries)) {
      return this.#send(request.method, request.url, request.fields, request.retries + 1);
    }
    const location = response.headers.get("Location");
    if (response.status >= 300 && response.status < 400 && location !== null) return this.#redirect(location);
    this.#advance(request, response);
  }

  #advance(request: PendingRequest, response: RtspResponse): void {
    const refused = response.status >= 300;
    switch (request.method) {
      case "OPTIONS":
        if (response.status === 401) return this.#refuse(request, response);
        // Some cameras do not know OPTIONS, or not for this path: DESCRIBE tells more.
        this.#methods = parsePublic(response.headers.getAll("Public"));
        this.#state = "describe";
        return this.#send("DESCRIBE", this.url.href, [["Accept", "application/sdp"]]);
      case "DESCRIBE":
        return refused ? this.#refuse(request, response) : this.#describe(response);
      case "SETUP":
        return this.#onSetup(request, response);
      case "PLAY":
        return refused
          ? this.#refuse(request, response)
          : this.#playing(parseRtpInfo(response.headers.get("RTP-Info") ?? ""));
    }
  }

  #describe(response: RtspResponse): void {
    const description = parseSdp(new TextDecoder().decode(response.body));
    const { headers } = response;
    this.#base = baseUrl(this.url, headers.get("Content-Base"), headers.get("Content-Location"));
    this.#playUrl = controlUrl(description.control, this.#base, this.url);
    const { codecs } = this.#options;
    const tracks = tracksOf(description, { base: this.#base, asked: this.url, codecs });
    const usable = tracks.find((track) => track.codec !== null && codecs.includes(track.codec));
    if (usable === undefined) return this.#finish(trackError(this.#action(), tracks, codecs));
    this.#selected = [usable];
    this.#at = 0;
    this.#events.push({ type: "described", tracks, selected: this.#selected, warnings: description.warnings });
    this.#offerTransport();
  }

  #offerTransport(): void {
    if (this.#transports[0] === "udp") {
      this.#state = "ports";
      this.#events.push({ type: "udp-ports", track: this.#selected[this.#at] });
    } else {
      this.#setup({ kind: "tcp", channel: this.#at * 2 });
    }
  }

  #setup(offer: TransportOffer): void {
    this.#offer = offer;
    this.#state = "setup";
    // Without `mode`: some Hikvision models refuse it.
    const transport = offer.kind === "tcp"
      ? transportSpec("tcp", { interleaved: [offer.channel, offer.channel + 1] })
      : transportSpec("udp", { clientPort: [offer.rtpPort, offer.rtcpPort] });
    const fields: [string, string][] = [["Transport", formatTransport(transport)]];
    if (this.#sessionId !== "") fields.push(["Session", this.#sessionId]);
    this.#send("SETUP", this.#selected[this.#at].control, fields);
  }

  #onSetup(request: PendingRequest, response: RtspResponse): void {
    if (response.status >= 300) {
      const error = this.#statusError(request, response);
      // What a camera cannot send over UDP it says with many a code; who may not and what is not there stays so.
      return error.code === "transport" || error.code === "status" ? this.#nextTransport(error) : this.#finish(error);
    }
    const session = response.headers.get("Session");
    if (session !== null) {
      const { id, timeoutSeconds } = parseSessionHeader(session);
      this.#sessionId = id;
      this.#sessionTimeout = timeoutSeconds;
    }
    const transport = negotiated(this.#offer!, response.headers.get("Transport"));
    if (transport === null || transport.kind === "tcp" && this.#options.transport === "udp") {
      return this.#nextTransport(
        new RtspError("transport", `${this.#action()}: the camera answered with a transport that was not offered`, {
          method: "SETUP",
          status: response.status,
        }),
      );
    }
    this.#usesUdp = transport.kind === "udp";
    if (transport.kind === "tcp") {
      this.#channels.add(transport.rtpChannel).add(transport.rtcpChannel);
      // Whoever answers UDP with TCP means TCP for all.
      this.#transports.splice(0, this.#transports.length, "tcp");
    }
    this.#events.push({ type: "setup", track: this.#selected[this.#at], transport });
    if (++this.#at < this.#selected.length) return this.#offerTransport();
    this.#state = "play";
    const fields: [string, string][] = [["Range", "npt=0.000-"]];
    if (this.#sessionId !== "") fields.unshift(["Session", this.#sessionId]);
    this.#send("PLAY", this.#playUrl, fields);
  }

  #nextTransport(error: RtspError): void {
    this.#transports.shift();
    if (this.#transports.length === 0) return this.#finish(error);
    this.#offerTransport();
  }

  #playing(rtpInfo: ReturnType<typeof parseRtpInfo>): void {
    this.#book.pending = null;
    this.#state = "playing";
    this.#since = this.#keepAliveAt = this.#now;
    this.#events.push({ type: "playing", rtpInfo, sessionTimeoutSeconds: this.#sessionTimeout });
  }

  /** Keep-alive, and the time-outs of what plays. */
  #watch(): void {
    const { firstPacketTimeout, udpTimeout, idleTimeout, transport } = this.#options;
    if (this.#now - this.#keepAliveAt >= Math.min(MAX_KEEP_ALIVE, this.#sessionTimeout * 450)) {
      this.#keepAliveRetried = false;
      this.#keepAlive();
    }
    if (this.#mediaAt >= 0) {
      if (this.#now - Math.max(this.#mediaAt, this.#since) < idleTimeout) return;
      return this.#fail("timeout", `no packet came for ${idleTimeout / 1000} s`);
    }
    const silent = this.#now - this.#since;
    if (this.#usesUdp && transport === "auto" && silent >= udpTimeout) {
      this.#teardown();
      this.#state = "ended";
      const reason = `no packet came over UDP in ${udpTimeout / 1000} s`;
      this.#events.push({ type: "reconnect", transport: "tcp", reason });
    } else if (silent >= firstPacketTimeout) {
      const hint = this.#usesUdp ? "; a firewall may keep UDP away, try TCP" : "";
      this.#fail("timeout", `the camera plays, but no packet came in ${firstPacketTimeout / 1000} s${hint}`);
    }
  }

  #keepAlive(): void {
    this.#keepAliveAt = this.#now;
    if (this.#unsent > MAX_UNSENT) return;
    // Axis wants OPTIONS, others GET_PARAMETER: what Public names is taken.
    const method = this.#methods.has("GET_PARAMETER") ? "GET_PARAMETER" : "OPTIONS";
    const fields: [string, string][] = this.#sessionId === "" ? [] : [["Session", this.#sessionId]];
    this.stats.keepAlives++;
    this.stats.requests++;
    this.#write(this.#book.sendBackground(method, this.#base, fields));
  }

  #onKeepAlive(method: string, response: RtspResponse): void {
    if (this.#state !== "playing") return;
    if (response.status === 401) {
      if (!this.#book.challenged(response, 0) || this.#keepAliveRetried) return;
      this.#keepAliveRetried = true;
      this.#keepAlive();
    } else if (response.status === 454) {
      this.#sessionId = "";
      this.#fail("closed", "the camera has ended the session");
    } else if (response.status >= 400 && method === "GET_PARAMETER") {
      this.#methods.delete("GET_PARAMETER");
      this.#keepAlive();
    }
  }

  #onRequest(request: RtspRequest): void {
    if (this.#state === "ended") return;
    const known = SUPPORTED.split(", ").includes(request.method);
    const headers = new RtspHeaders();
    const cseq = request.headers.get("CSeq");
    if (cseq !== null) headers.append("CSeq", cseq.replace(/[\r\n\0]/g, ""));
    if (request.method === "OPTIONS") headers.append("Public", SUPPORTED);
    // A peer that asks without reading the answers gets no more of them.
    if (this.#unsent <= MAX_UNSENT) {
      const status = known ? 200 : 501;
      this.#write(serializeResponse({ status, reason: reasonOf(status), headers }));
    }
    if (request.method === "TEARDOWN") {
      this.#sessionId = "";
      if (this.#state === "closing") this.#end();
      else this.#fail("closed", "the camera has ended the session");
    } else if (request.method === "REDIRECT") {
      const location = request.headers.get("Location");
      if (location !== null && this.#state !== "closing") this.#redirect(location);
    }
  }

  #onFrame(channel: number, data: Uint8Array, start: number, end: number): void {
    if (this.#state === "ended" || this.#state === "closing") return;
    if (!this.#channels.has(channel)) {
      this.stats.unknownChannel++;
      return;
    }
    this.stats.frames++;
    this.#mediaAt = this.#now;
    this.#options.onMedia(channel, data, start, end);
  }

  #redirect(location: string): void {
    let url = location.trim();
    try {
      url = parseRtspUrl(url.startsWith("/") ? this.#origin() + pathOf(url) : url).href;
    } catch {
      return this.#fail("protocol", "the camera sends elsewhere, to an address that is none");
    }
    this.#teardown();
    this.#state = "ended";
    this.#events.push({ type: "redirect", url });
  }

  #origin(): string {
    return /^rtsps?:\/\/[^/]*/.exec(this.url.href)![0];
  }

  #refuse(request: PendingRequest, response: RtspResponse): void {
    this.#finish(this.#statusError(request, response));
  }

  #statusError(request: PendingRequest, response: RtspResponse): RtspError {
    const { status, reason } = response;
    const { method, url } = request;
    return statusError(this.#action(), { status, reason, method, url, credentials: this.#hasCredentials });
  }

  #fail(code: RtspErrorCode, text: string, method = ""): void {
    this.#finish(new RtspError(code, `${this.#action()}: ${text}`, { method }));
  }

  #finish(error: RtspError): void {
    if (this.#state === "ended") return;
    this.#teardown();
    this.#state = "ended";
    this.#events.push({ type: "failed", error });
  }

  #end(): void {
    this.#state = "ended";
    this.#events.push({ type: "ended" });
  }

  /** Says good-bye without waiting: a camera that keeps dead sessions soon has no room. */
  #teardown(): void {
    if (this.#sessionId === "") return;
    this.stats.requests++;
    this.#write(this.#book.sendBackground("TEARDOWN", this.#playUrl, [["Session", this.#sessionId]]));
    this.#sessionId = "";
  }

  #action(): string {
    return (this.#state === "playing" || this.#state === "closing" ? "Lost " : "Cannot open ") + this.url.href;
  }

  #send(method: string, url: string, fields: PendingRequest["fields"], retries = 0): void {
    this.stats.requests++;
    this.#write(this.#book.send(method, url, fields, this.#now, retries));
  }

  #write(bytes: Uint8Array): void {
    this.#out.push(bytes);
    this.#unsent += bytes.length;
  }
}

const NO_EVENTS: readonly RtspSessionEvent[] = [];
