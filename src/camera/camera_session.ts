import { parseRtcp } from "../rtp/mod.ts";
import {
  AuthVerifier,
  formatTransport,
  parseRtspUrl,
  parseTransport,
  RtspHeaders,
  RtspParser,
  type RtspRequest,
  serializeResponse,
  transportSpec,
} from "../rtsp/mod.ts";
import { describe } from "./description.ts";
import type { Stream } from "./stream.ts";
import { openUdpPorts, type UdpPorts } from "./udp_ports.ts";
import { Viewer } from "./viewer.ts";

/** Bytes that may wait for a slow client before it is skipped to a keyframe. */
const MAX_QUEUED = 4 << 20;
/** After so many milliseconds without a sign of life a client's session is over. */
export const SESSION_TIMEOUT = 60_000;
/** Datagrams that may wait for the system to take them. */
const MAX_DATAGRAMS = 4096;
const METHODS = "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, TEARDOWN, GET_PARAMETER, SET_PARAMETER";

/** What a connection needs of its server. */
export interface SessionServer {
  readonly streams: ReadonlyMap<string, Stream>;
  readonly verifier: AuthVerifier | null;
  readonly transports: readonly ("udp" | "tcp")[];
}

/** One client's connection to a virtual camera: its requests, and what it plays. */
export class CameraSession {
  readonly #server: SessionServer;
  readonly #connection: Deno.TcpConn;
  readonly #local: string;
  readonly #peer: string;
  readonly #id = crypto.randomUUID().slice(0, 8);
  readonly #parser: RtspParser;
  readonly #queue: Uint8Array<ArrayBuffer>[] = [];
  #queued = 0;
  #wake: (() => void) | null = null;
  readonly #datagrams: { socket: Deno.DatagramConn; packet: Uint8Array<ArrayBuffer>; address: Deno.NetAddr }[] = [];
  #sending = false;
  #viewer: Viewer | null = null;
  #stream: Stream | null = null;
  #ports: UdpPorts | null = null;
  #clientPorts: [number, number] = [0, 0];
  #playing = false;
  #closed = false;
  #base = "";
  /** Receiver reports that came. */
  reports = 0;
  lastSeen = Date.now();

  constructor(server: SessionServer, connection: Deno.TcpConn) {
    this.#server = server;
    this.#connection = connection;
    this.#local = (connection.localAddr as Deno.NetAddr).hostname;
    this.#peer = (connection.remoteAddr as Deno.NetAddr).hostname;
    this.#parser = new RtspParser({
      request: (request) => this.#onRequest(request),
      response: () => {},
      interleaved: (channel, data, start, end) => {
        if (channel === this.#viewer?.channels?.[1]) this.#onControl(data.subarray(start, end));
      },
      fault: () => this.close(),
    });
  }

  get viewer(): Viewer | null {
    return this.#viewer;
  }

  /** Serves the connection until it ends. Never rejects. */
  async serve(): Promise<void> {
    const writing = this.#write();
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

  /** Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stop();
    this.#wake?.();
    try {
      this.#connection.close();
    } catch {
      // The other side was faster.
    }
  }

  #onRequest(request: RtspRequest): void {
    this.lastSeen = Date.now();
    const sequence = request.headers.get("CSeq");
    const reply = (status: number, headers: [string, string][] = [], body?: string) => {
      const fields: [string, string][] = [...(sequence ? [["CSeq", sequence] as [string, string]] : []), ...headers];
      const bytes = serializeResponse({
        status,
        headers: new RtspHeaders(fields),
        body: body ? new TextEncoder().encode(body) : undefined,
      });
      this.#enqueue(bytes as Uint8Array<ArrayBuffer>);
    };
    if (request.method === "OPTIONS") return reply(200, [["Public", METHODS]]);
    const { verifier } = this.#server;
    if (verifier) {
      const now = Date.now();
      const verdict = verifier.verify(
        { method: request.method, authorization: request.headers.get("Authorization") },
        now,
      );
      if (verdict !== "ok") {
        const challenges = verifier.challenges(now, verdict === "stale");
        return reply(401, challenges.map((value) => ["WWW-Authenticate", value]));
      }
    }
    this.#serveRequest(request, reply);
  }

  #serveRequest(
    request: RtspRequest,
    reply: (status: number, headers?: [string, string][], body?: string) => void,
  ): void {
    const session: [string, string] = ["Session", `${this.#id};timeout=${SESSION_TIMEOUT / 1000}`];
    switch (request.method) {
      case "DESCRIBE": {
        const found = this.#find(request.url);
        if (!found) return reply(404);
        this.#base = request.url.replace(/\/*$/, "/");
        const headers: [string, string][] = [["Content-Type", "application/sdp"], ["Content-Base", this.#base]];
        return reply(200, headers, describe(found.file, found.name, this.#local));
      }
      case "SETUP":
        return this.#setup(request, reply, session);
      case "PLAY": {
        if (!this.#viewer || !this.#stream) return reply(455);
        this.#playing = true;
        const url = `${this.#base}track1`;
        const time = this.#viewer.rtpTime(this.#stream.nextKeyframePts);
        this.#stream.viewers.add(this.#viewer);
        return reply(200, [session, ["Range", "npt=now-"], [
          "RTP-Info",
          `url=${url};seq=${this.#viewer.sequence};rtptime=${time}`,
        ]]);
      }
      case "PAUSE":
        if (this.#viewer) this.#stream?.viewers.delete(this.#viewer);
        this.#viewer?.pause();
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

  #setup(
    request: RtspRequest,
    reply: (status: number, headers?: [string, string][]) => void,
    session: [string, string],
  ): void {
    const found = this.#find(request.url);
    if (!found) return reply(404);
    if (this.#playing) return reply(455);
    const offers = parseTransport(request.headers.get("Transport") ?? "");
    const offer = offers.find((spec) => !spec.multicast && this.#server.transports.includes(spec.protocol));
    if (!offer) return reply(461);
    this.#stop();
    const sink = {
      interleaved: (bytes: Uint8Array<ArrayBuffer>) => this.#queued < MAX_QUEUED && this.#enqueue(bytes),
      datagram: (kind: "rtp" | "rtcp", packet: Uint8Array<ArrayBuffer>) => this.#sendDatagram(kind, packet),
    };
    const { faults, random } = found;
    const { codec } = found.file;
    this.#stream = found;
    if (offer.protocol === "tcp") {
      const channels: [number, number] = offer.interleaved ?? [0, 1];
      this.#viewer = new Viewer({ codec, channels, faults, random, sink });
      const transport = transportSpec("tcp", { interleaved: channels, ssrc: this.#viewer.ssrc });
      return reply(200, [session, ["Transport", formatTransport(transport)]]);
    }
    if (!offer.clientPort) return reply(461);
    try {
      this.#ports = openUdpPorts(this.#local);
    } catch {
      return reply(453);
    }
    this.#clientPorts = offer.clientPort;
    this.#viewer = new Viewer({ codec, channels: null, faults, random, sink });
    void this.#readControl(this.#ports.rtcp);
    const { rtpPort } = this.#ports;
    const transport = transportSpec("udp", {
      clientPort: offer.clientPort,
      serverPort: [rtpPort, rtpPort + 1],
      ssrc: this.#viewer.ssrc,
    });
    reply(200, [session, ["Transport", formatTransport(transport)]]);
  }

  #find(url: string): Stream | undefined {
    try {
      const { href } = parseRtspUrl(url);
      const path = href.replace(/^rtsps?:\/\/[^/]*\/?/, "").replace(/[?#].*$/, "");
      return this.#server.streams.get(decodeURIComponent(path.replace(/\/?track1$/, "").replace(/\/+$/, "")));
    } catch {
      return undefined; // no address, or escapes in it that are none
    }
  }

  async #readControl(socket: Deno.DatagramConn): Promise<void> {
    try {
      for await (const [bytes] of socket) {
        this.lastSeen = Date.now();
        this.#onControl(bytes);
      }
    } catch {
      // The socket was closed.
    }
  }

  #onControl(bytes: Uint8Array): void {
    this.reports += parseRtcp(bytes).packets.filter((packet) => packet.type === "receiver-report").length;
  }

  #sendDatagram(kind: "rtp" | "rtcp", packet: Uint8Array<ArrayBuffer>): void {
    const port = this.#clientPorts[kind === "rtp" ? 0 : 1];
    const address = { transport: "udp", hostname: this.#peer, port } as const;
    const socket = this.#ports?.[kind];
    // More than this waiting is a network that takes nothing: it loses the packet.
    if (!socket || this.#datagrams.length >= MAX_DATAGRAMS) return;
    this.#datagrams.push({ socket, packet, address });
    if (!this.#sending) void this.#sendQueued();
  }

  /** Sends datagrams one after the other: sends that overlap let packets overtake one another. */
  async #sendQueued(): Promise<void> {
    this.#sending = true;
    for (let next = this.#datagrams.shift(); next; next = this.#datagrams.shift()) {
      try {
        await next.socket.send(next.packet, next.address);
      } catch {
        // A client that is gone loses packets, as networks do.
      }
    }
    this.#sending = false;
  }

  #enqueue(bytes: Uint8Array<ArrayBuffer>): boolean {
    this.#queue.push(bytes);
    this.#queued += bytes.length;
    this.#wake?.();
    return true;
  }

  async #write(): Promise<void> {
    try {
      for (;;) {
        const bytes = this.#queue.shift();
        if (!bytes) {
          if (this.#closed) return;
          await new Promise<void>((resolve) => this.#wake = resolve);
          continue;
        }
        for (let sent = 0; sent < bytes.length;) sent += await this.#connection.write(bytes.subarray(sent));
        this.#queued -= bytes.length;
      }
    } catch {
      this.close();
    }
  }

  #stop(): void {
    if (this.#viewer) this.#stream?.viewers.delete(this.#viewer);
    this.#playing = false;
    this.#ports?.close();
    this.#ports = null;
    this.#viewer = null;
    this.#stream = null;
  }
}
