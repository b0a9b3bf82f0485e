// Pure: no I/O.
import { RtspError, type RtspErrorCode, type RtspTimeout } from "../media/mod.ts";
import { AnswerTimer } from "./answer_timer.ts";
import { Authenticator } from "./auth.ts";
import { KeepAlive } from "./keep_alive.ts";
import { type Due, Liveness } from "./liveness.ts";
import { frameInterleaved, type RtspRequest, type RtspResponse } from "./message.ts";
import { Outbox } from "./outbox.ts";
import { RtspParser } from "./parser.ts";
import { answerPeer } from "./peer_requests.ts";
import { type PendingRequest, RequestBook } from "./request_book.ts";
import { statusError, trackError } from "./session_errors.ts";
import {
  emptyStats,
  type RtspSessionEvent,
  type RtspSessionState,
  type RtspSessionStats,
  type RtspTrack,
} from "./session_events.ts";
import { parsePublic, parseRtpInfo, ServedSession } from "./session_headers.ts";
import { type RtspSessionOptions, type SessionSettings, withDefaults } from "./session_options.ts";
import { SetupPlan } from "./setup_plan.ts";
import { type Description, readDescription } from "./description.ts";
import { chooseTracks } from "./track_choice.ts";
import { parseRtspUrl, resolveLocation, type RtspUrl } from "./url.ts";

/** How long TEARDOWN is waited for, in milliseconds. */
const CLOSE_TIMEOUT = 1000;

/**
 * The client's side of one RTSP connection, without the connection: bytes and the time go in, bytes and events come
 * out. It asks for the description, sets up the first video track of a wanted codec and what is wanted beside it, plays
 * and keeps it alive. What is beside the video never costs the video: where a camera refuses it, it is left out.
 *
 * After each call take `outgoing()` until it is null, then `events()`. Nothing that the peer sends makes a call throw.
 *
 * @see RFC 2326
 */
export class RtspClientSession {
  readonly url: RtspUrl;
  readonly stats: RtspSessionStats = emptyStats();
  readonly #options: SessionSettings;
  readonly #parser: RtspParser;
  readonly #book: RequestBook;
  readonly #hasCredentials: boolean;
  readonly #outbox = new Outbox();
  #state: RtspSessionState = "idle";
  readonly #events: RtspSessionEvent[] = [];
  #now = 0;
  #closingAt = 0;
  #described: Description | null = null;
  #methods = new Set<string>();
  #plan: SetupPlan | null = null;
  readonly #served = new ServedSession();
  #liveness: Liveness | null = null;
  #keepAlive: KeepAlive | null = null;
  #mediaAt = -1;
  readonly #timer: AnswerTimer;

  /** @throws {SyntaxError} where the URL is none. */
  constructor(url: string | RtspUrl, options: RtspSessionOptions) {
    this.url = typeof url === "string" ? parseRtspUrl(url) : url;
    this.#options = withDefaults(options);
    const { random, userAgent, basic } = this.#options;
    const { username = this.url.username, password = this.url.password } = options;
    const authenticator = new Authenticator({ username, password, random, basic });
    this.#hasCredentials = authenticator.hasCredentials;
    this.#book = new RequestBook({ authenticator, userAgent });
    this.#timer = new AnswerTimer(this.#options.responseTimeout);
    this.#parser = new RtspParser({
      request: (request) => this.#onRequest(request),
      response: (response) => this.#onResponse(response),
      interleaved: (channel, data, start, end) => this.#onFrame(channel, data, start, end),
      fault: (error) => this.#fail("protocol", error.message),
    });
    this.#parser.isKnownChannel = (channel) => this.#plan?.channels.has(channel) ?? false;
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

  /** Whether the last bytes were a part of something whose rest is to come. */
  get midway(): boolean {
    return this.#parser.heldBytes > 0;
  }

  /** Sends keep-alives and ends what takes too long. To be called every quarter of a second or so. */
  tick(now: number): void {
    this.#now = now;
    if (this.#state === "idle" || this.#state === "ended") return;
    if (this.#state === "closing") {
      if (now - this.#closingAt >= CLOSE_TIMEOUT) this.#end();
      return;
    }
    const overdue = this.#timer.overdue(this.#book.pending, now);
    if (overdue !== null) return this.#unanswered(overdue);
    const due = this.#liveness?.check(now) ?? null;
    if (due !== null) this.#onDue(due);
  }

  #unanswered({ method, last }: { method: string; last: boolean }): void {
    if (!last) return this.#sendDescribe();
    // Packets come: the answer to PLAY was lost, or never meant to be.
    if (method === "PLAY" && this.#mediaAt >= 0) return this.#playing([]);
    const text = `${this.#action()}: the camera did not answer ${method} in ${this.#options.responseTimeout / 1000} s`;
    const error = new RtspError("timeout", text, { method, timeout: "answer" });
    if (method !== "SETUP" || !this.#plan?.isSide) return this.#finish(error);
    this.#book.pending = null;
    this.#refused(error);
  }

  /** The next bytes to be written to the connection, the caller's from now on; null where there are none. */
  outgoing(): Uint8Array | null {
    return this.#outbox.shift();
  }

  /** What happened since the last call. */
  events(): readonly RtspSessionEvent[] {
    return this.#events.splice(0);
  }

  /** Answers `udp-ports`: the ports that were opened for the track. */
  udpPorts(track: RtspTrack, rtpPort: number, rtcpPort: number, now: number): void {
    if (this.#state !== "ports" || track !== this.#plan?.track) return;
    this.#now = now;
    this.#setup(track, { rtpPort, rtcpPort });
  }

  /** Answers `udp-ports` where none can be opened: TCP is next, where the policy allows it. */
  udpUnavailable(track: RtspTrack, reason: string, now: number): void {
    if (this.#state !== "ports" || track !== this.#plan?.track) return;
    this.#now = now;
    this.#refused(new RtspError("transport", `${this.#action()}: no UDP ports can be opened: ${reason}`));
  }

  /** Says that a packet came over UDP. */
  mediaReceived(now: number): void {
    this.#mediaAt = now;
    this.#liveness?.media(now);
  }

  /** Sends one packet over the connection; false where too much waits already, and it was dropped. */
  sendInterleaved(channel: number, packet: Uint8Array): boolean {
    if (this.#state === "ended" || this.#outbox.full || packet.length > 0xffff) return false;
    this.#outbox.push(frameInterleaved(channel, packet));
    return true;
  }

  /** Says that the connection is gone. */
  disconnected(now: number): void {
    this.#now = now;
    if (this.#state === "closing") return this.#end();
    const waiting = this.#book.pending;
    this.#served.id = "";
    const instead = waiting === null ? "" : ` instead of answering ${waiting.method}`;
    this.#fail("closed", `the camera closed the connection${instead}`);
  }

  /** Ends the session in order: TEARDOWN, so that the camera has room for the next one. */
  close(now: number): void {
    if (this.#state === "ended" || this.#state === "closing") return;
    this.#now = now;
    if (this.#served.id === "") return this.#end();
    this.#state = "closing";
    this.#liveness = null;
    this.#closingAt = now;
    this.#send("TEARDOWN", this.#described!.playUrl, this.#served.fields);
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
    const refused = response.status >= 300, location = response.headers.get("Location");
    if (refused && response.status < 400 && location !== null) return this.#redirect(location);
    this.#advance(request, response, refused);
  }

  #advance(request: PendingRequest, response: RtspResponse, refused: boolean): void {
    switch (request.method) {
      case "OPTIONS":
        if (response.status === 401) return this.#finish(this.#statusError(request, response));
        // Some cameras do not know OPTIONS, or not for this path: DESCRIBE tells more.
        this.#methods = parsePublic(response.headers.getAll("Public"));
        return this.#sendDescribe();
      case "DESCRIBE":
        return refused ? this.#finish(this.#statusError(request, response)) : this.#describe(response);
      case "SETUP":
        return this.#onSetup(request, response);
      case "PLAY":
        return refused
          ? this.#finish(this.#statusError(request, response))
          : this.#playing(parseRtpInfo(response.headers.get("RTP-Info") ?? ""));
    }
  }

  #sendDescribe(): void {
    this.#state = "describe";
    this.#send("DESCRIBE", this.url.href, [["Accept", "application/sdp"]]);
  }

  #describe(response: RtspResponse): void {
    const { codecs, beside } = this.#options;
    const { tracks, warnings } = this.#described = readDescription(response, { asked: this.url, codecs });
    const selected = chooseTracks(tracks, { codecs, beside });
    if (selected === null) return this.#finish(trackError(this.#action(), tracks, codecs));
    if (!this.#plan) this.#events.push({ type: "described", tracks, selected, warnings });
    this.#plan ??= new SetupPlan(this.#options.transport);
    this.#plan.begin(selected);
    this.#offerTransport();
  }

  #offerTransport(): void {
    const track = this.#plan?.track ?? null;
    if (track === null) return this.#play();
    if (!this.#plan?.needsPorts) return this.#setup(track, null);
    this.#state = "ports";
    this.#events.push({ type: "udp-ports", track });
  }

  #setup(track: RtspTrack, ports: { rtpPort: number; rtcpPort: number } | null): void {
    this.#state = "setup";
    this.#send("SETUP", track.control, [["Transport", this.#plan!.offer(ports)], ...this.#served.fields]);
  }

  #onSetup(request: PendingRequest, response: RtspResponse): void {
    if (response.status >= 300) return this.#refused(this.#statusError(request, response));
    this.#served.take(response.headers.get("Session"));
    const track = this.#plan!.track!;
    const transport = this.#plan!.accept(response.headers.get("Transport"));
    if (transport === null) {
      const text = `${this.#action()}: the camera answered with a transport that was not offered`;
      return this.#refused(new RtspError("transport", text, { method: "SETUP", status: response.status }));
    }
    this.#events.push({ type: "setup", track, transport });
    this.#offerTransport();
  }

  #play(): void {
    this.#state = "play";
    this.#send("PLAY", this.#described!.playUrl, [...this.#served.fields, ["Range", "npt=0.000-"]]);
  }

  #refused(error: RtspError): void {
    const track = this.#plan!.track!, outcome = this.#plan!.refused(error);
    if (outcome === "fail") return this.#finish(error);
    if (outcome === "describe") {
      this.#served.id = "";
      return this.#sendDescribe();
    }
    if (outcome === "left-out") this.#events.push({ type: "left-out", track, error });
    this.#offerTransport();
  }

  #playing(rtpInfo: ReturnType<typeof parseRtpInfo>): void {
    this.#book.pending = null;
    this.#state = "playing";
    const { firstPacketTimeout, idleTimeout, udpTimeout, transport } = this.#options;
    const usesUdp = this.#plan?.usesUdp ?? false;
    this.#keepAlive = new KeepAlive(this.#book, { url: this.#described!.base, methods: this.#methods });
    this.#liveness = new Liveness(
      { firstPacketTimeout, idleTimeout, usesUdp, udpTimeout: usesUdp && transport === "auto" ? udpTimeout : null },
      { now: this.#now, mediaAt: this.#mediaAt, sessionTimeoutSeconds: this.#served.timeoutSeconds },
    );
    this.#events.push({ type: "playing", rtpInfo, sessionTimeoutSeconds: this.#served.timeoutSeconds });
  }

  #onDue(due: Due): void {
    switch (due.kind) {
      case "keep-alive":
        return this.#sendKeepAlive();
      case "udp-silent":
        return this.#leave({ type: "reconnect", instead: "tcp", reason: due.reason });
      case "dead":
        return this.#fail("timeout", due.reason, { timeout: due.timeout });
    }
  }

  #sendKeepAlive(again = false): void {
    if (this.#keepAlive === null || this.#outbox.full) return;
    this.stats.keepAlives++;
    this.stats.requests++;
    this.#outbox.push(this.#keepAlive.request(this.#served.fields, again));
  }

  #onKeepAlive(method: string, response: RtspResponse): void {
    const verdict = this.#keepAlive?.answered(method, response) ?? null;
    if (verdict === "again") this.#sendKeepAlive(true);
    else if (verdict === "gone") this.#gone();
  }

  /** The server has forgotten the session: no good-bye is due. */
  #gone(): void {
    this.#served.id = "";
    if (this.#state === "closing") this.#end();
    else this.#fail("closed", "the camera has ended the session");
  }

  #onRequest(request: RtspRequest): void {
    if (this.#state === "ended") return;
    // A peer that asks without reading the answers gets no more of them.
    if (!this.#outbox.full) this.#outbox.push(answerPeer(request));
    if (request.method === "TEARDOWN") {
      this.#gone();
    } else if (request.method === "REDIRECT") {
      const location = request.headers.get("Location");
      if (location !== null && this.#state !== "closing") this.#redirect(location);
    }
  }

  #onFrame(channel: number, data: Uint8Array, start: number, end: number): void {
    if (this.#state === "ended" || this.#state === "closing") return;
    if (!this.#plan?.channels.has(channel)) {
      this.stats.unknownChannel++;
      return;
    }
    this.stats.frames++;
    this.mediaReceived(this.#now);
    this.#options.onMedia(channel, data, start, end);
  }

  #redirect(location: string): void {
    const url = resolveLocation(location, this.url);
    if (url === null) this.#fail("protocol", "the camera sends elsewhere, to an address that is none");
    else this.#leave({ type: "redirect", url });
  }

  #statusError({ method, url }: PendingRequest, { status, reason }: RtspResponse): RtspError {
    return statusError(this.#action(), { status, reason, method, url, credentials: this.#hasCredentials });
  }

  #fail(code: RtspErrorCode, text: string, what: { method?: string; timeout?: RtspTimeout } = {}): void {
    this.#finish(new RtspError(code, `${this.#action()}: ${text}`, what));
  }

  #finish(error: RtspError): void {
    const isPlaying = this.#state === "playing" || this.#state === "closing";
    if (isPlaying || !this.#plan?.triedSides) return this.#leave({ type: "failed", error });
    // It may be for what was asked for beside it that the video is not to be had.
    this.#leave({ type: "reconnect", instead: "video-alone", reason: error.message });
  }

  /** Ends with an event, and says good-bye without waiting: a camera that keeps dead sessions soon has no room. */
  #leave(event: RtspSessionEvent): void {
    if (this.#state === "ended") return;
    if (this.#served.id !== "") {
      this.stats.requests++;
      this.#outbox.push(this.#book.sendBackground("TEARDOWN", this.#described!.playUrl, this.#served.fields));
      this.#served.id = "";
    }
    this.#state = "ended";
    this.#liveness = null;
    this.#events.push(event);
  }

  #end(): void {
    this.#served.id = "";
    this.#leave({ type: "ended" });
  }

  #action(): string {
    return (this.#state === "playing" || this.#state === "closing" ? "Lost " : "Cannot open ") + this.url.href;
  }

  #send(method: string, url: string, fields: PendingRequest["fields"], retries = 0): void {
    this.stats.requests++;
    this.#outbox.push(this.#book.send(method, url, fields, this.#now, retries));
  }
}
