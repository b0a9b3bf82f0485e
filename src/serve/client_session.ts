import { parseRtcp } from "../rtp/mod.ts";
import {
  parseRtspUrl,
  parseTransport,
  RtspHeaders,
  RtspParser,
  type RtspRequest,
  serializeResponse,
} from "../rtsp/mod.ts";
import type { AuthVerifier } from "../rtsp/mod.ts";
import { ClientTrack } from "./client_track.ts";
import { ClientWriter } from "./client_writer.ts";
import { describe } from "./description.ts";
import { type SendFormat, soundFormat, videoFormat } from "./send_format.ts";
import type { ServedStream } from "./served_stream.ts";
import type { Viewer } from "./viewer.ts";

/** After so many milliseconds without a sign of life a client's session is over. */
export const SESSION_TIMEOUT = 60_000;
const METHODS = "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, TEARDOWN, GET_PARAMETER, SET_PARAMETER";

/** What a connection needs of its server. */
export interface SessionServer {
  find(path: string): ServedStream | undefined;
  readonly verifier: AuthVerifier | null;
  readonly transports: readonly ("udp" | "tcp")[];
}

/** One request on its way to its answer. */
interface Exchange {
  readonly request: RtspRequest;
  reply(status: number, headers?: [string, string][], body?: string): void;
}

/** One client's connection: its requests, and what it plays. */
export class ClientSession {
  readonly #server: SessionServer;
  readonly #connection: Deno.TcpConn;
  readonly #writer: ClientWriter;
  readonly #local: string;
  readonly #peer: string;
  readonly #id = crypto.randomUUID().slice(0, 8);
  readonly #parser: RtspParser;
  readonly #tracks = new Map<SendFormat["kind"], ClientTrack>();
  #stream: ServedStream | null = null;
  #playing = false;
  #closed = false;
  #base = "";
  /** Receiver reports that came. */
  reports = 0;
  lastSeen = Date.now();

  constructor(server: SessionServer, connection: Deno.TcpConn) {
    this.#server = server;
    this.#connection = connection;
    this.#writer = new ClientWriter(connection);
    this.#local = (connection.localAddr as Deno.NetAddr).hostname;
    this.#peer = (connection.remoteAddr as Deno.NetAddr).hostname;
    this.#parser = new RtspParser({
      request: (request) => this.#onRequest(request),
      response: () => {},
      interleaved: (channel, data, start, end) => {
        for (const track of this.#tracks.values()) {
          if (track.controls(channel)) this.#onControl(data.subarray(start, end));
        }
      },
      fault: () => this.close(),
    });
  }

  /** Who its pictures are sent to. */
  get viewer(): Viewer | null {
    return this.#tracks.get("video")?.viewer ?? null;
  }

  /** What it set up. */
  get stream(): ServedStream | null {
    return this.#stream;
  }

  /** Serves the connection until it ends. Never rejects. */
  async serve(): Promise<void> {
    const writing = this.#writer.run();
    const buffer = new Uint8Array(16_384);
    try {
      while (!this.#closed) {
        const count = await this.#connection.read(buffer);
        if (count === null) break;
        this.lastSeen = Date.now();
        this.#parser.receive(buffer.subarray(0, count));
      }
    } catch {
      // The client went away; that is its right.
    }
    this.close();
    await writing;
  }

  /** Says goodbye and closes the connection: what it plays is over. */
  finish(): void {
    for (const { viewer } of this.#tracks.values()) viewer.bye();
    this.#stop();
    this.#writer.finish();
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stop();
    this.#writer.close();
  }

  #onRequest(request: RtspRequest): void {
    this.lastSeen = Date.now();
    const sequence = request.headers.get("CSeq");
    const exchange: Exchange = {
      request,
      reply: (status, headers = [], body) => {
        const fields: [string, string][] = [...(sequence ? [["CSeq", sequence] as [string, string]] : []), ...headers];
        const bytes = serializeResponse({
          status,
          headers: new RtspHeaders(fields),
          body: body ? new TextEncoder().encode(body) : undefined,
        });
        this.#writer.answer(bytes as Uint8Array<ArrayBuffer>);
      },
    };
    if (request.method === "OPTIONS") return exchange.reply(200, [["Public", METHODS]]);
    if (this.#isLetIn(exchange)) this.#serveRequest(exchange);
  }

  #isLetIn({ request, reply }: Exchange): boolean {
    const { verifier } = this.#server;
    if (!verifier) return true;
    const now = Date.now();
    const { method, headers } = request;
    const verdict = verifier.verify({ method, authorization: headers.get("Authorization") }, now);
    if (verdict === "ok") return true;
    reply(401, verifier.challenges(now, verdict === "stale").map((value) => ["WWW-Authenticate", value]));
    return false;
  }

  #serveRequest(exchange: Exchange): void {
    const { request, reply } = exchange;
    const session: [string, string] = ["Session", `${this.#id};timeout=${SESSION_TIMEOUT / 1000}`];
    switch (request.method) {
      case "DESCRIBE":
        return void this.#describe(exchange);
      case "SETUP":
        return void this.#setup(exchange, session);
      case "PLAY":
        return this.#play(exchange, session);
      case "PAUSE":
        for (const { viewer } of this.#tracks.values()) {
          this.#stream?.leave(viewer);
          viewer.pause();
        }
        this.#playing = false;
        return reply(200, [session]);
      case "GET_PARAMETER":
      case "SET_PARAMETER":
        return reply(200, [session]);
      case "TEARDOWN":
        reply(200, [session]);
        return this.#stop();
      default:
        return reply(501);
    }
  }

  async #describe({ request, reply }: Exchange): Promise<void> {
    const found = this.#find(request.url);
    if (!found) return reply(404);
    const described = found.describe();
    // Most streams know what they are, and the answers to requests sent in one go stay in order.
    const description = described instanceof Promise ? await described : described;
    if (!description) return reply(503);
    this.#base = request.url.replace(/\/*$/, "/");
    const headers: [string, string][] = [["Content-Type", "application/sdp"], ["Content-Base", this.#base]];
    reply(200, headers, describe(description, this.#local));
  }

  async #setup({ request, reply }: Exchange, session: [string, string]): Promise<void> {
    const found = this.#find(request.url);
    if (!found) return reply(404);
    if (this.#playing) return reply(455);
    const offers = parseTransport(request.headers.get("Transport") ?? "");
    const offer = offers.find((spec) => !spec.multicast && this.#server.transports.includes(spec.protocol));
    if (!offer || offer.protocol === "udp" && !this.#maySend(offer.clientPort)) return reply(461);
    const described = found.describe();
    const description = described instanceof Promise ? await described : described;
    if (!description) return reply(503);
    if (this.#closed) return;
    const kind = /\/track2$/.test(request.url.replace(/[?#].*$/, "")) ? "sound" : "video";
    if (kind === "sound" && !description.sound) return reply(404);
    // Who sets up another stream is done with this one.
    if (this.#stream !== found) this.#stop();
    else this.#drop(kind);
    const taken = [...this.#tracks.values()].flatMap(({ viewer }) => viewer.channels ?? []);
    if (offer.interleaved?.some((channel) => taken.includes(channel))) return reply(461);
    this.#stream = found;
    let track: ClientTrack;
    try {
      track = new ClientTrack({
        ...{ offer, writer: this.#writer, local: this.#local, peer: this.#peer, disturbance: found.disturb?.() },
        channels: kind === "video" ? [0, 1] : [2, 3],
        format: kind === "sound" ? soundFormat(description.sound!) : videoFormat(description.codec),
        onControl: (bytes) => {
          this.lastSeen = Date.now();
          this.#onControl(bytes);
        },
      });
    } catch {
      return reply(453); // there are no ports left
    }
    this.#tracks.set(kind, track);
    reply(200, [session, ["Transport", track.transport]]);
  }

  #play({ reply }: Exchange, session: [string, string]): void {
    const stream = this.#stream;
    if (this.#tracks.size === 0 || !stream) return reply(455);
    this.#playing = true;
    const pts = stream.nextKeyframePts;
    const begins = [...this.#tracks].map(([kind, { viewer }]) => {
      const time = pts === null || kind === "sound" ? "" : `;rtptime=${viewer.rtpTime(pts)}`;
      return `url=${this.#base}${kind === "video" ? "track1" : "track2"};seq=${viewer.sequence}${time}`;
    });
    reply(200, [session, ["Range", "npt=now-"], ["RTP-Info", begins.join(",")]]);
    for (const { viewer } of this.#tracks.values()) stream.join(viewer);
  }

  /** Whether this thread can and may send datagrams to the client: else Deno would refuse each of them. */
  #maySend(ports: [number, number] | null): boolean {
    if (!ports || typeof Deno.listenDatagram !== "function") return false; // without --unstable-net
    const host = this.#peer.includes(":") ? `[${this.#peer}]` : this.#peer;
    return ports.every((port) =>
      port > 0 && Deno.permissions.querySync({ name: "net", host: `${host}:${port}` }).state === "granted"
    );
  }

  #find(url: string): ServedStream | undefined {
    try {
      const { href } = parseRtspUrl(url);
      const path = href.replace(/^rtsps?:\/\/[^/]*\/?/, "").replace(/[?#].*$/, "");
      return this.#server.find(decodeURIComponent(path.replace(/\/?track[12]$/, "").replace(/\/+$/, "")));
    } catch {
      return undefined; // no address, or escapes in it that are none
    }
  }

  #onControl(bytes: Uint8Array): void {
    this.reports += parseRtcp(bytes).packets.filter((packet) => packet.type === "receiver-report").length;
  }

  #stop(): void {
    for (const kind of [...this.#tracks.keys()]) this.#drop(kind);
    this.#playing = false;
    this.#stream = null;
  }

  #drop(kind: SendFormat["kind"]): void {
    const track = this.#tracks.get(kind);
    if (!track) return;
    this.#tracks.delete(kind);
    this.#stream?.leave(track.viewer);
    track.close();
  }
}
