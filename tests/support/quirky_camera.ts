import { digestResponse, parseAuthHeader, parseTransport, RtspParser, type RtspRequest } from "../../src/rtsp/mod.ts";
import { H264Packetizer, joinAnnexB, nalType, splitAnnexB } from "../../src/rtp/mod.ts";
import type { VideoFile } from "../../src/file/mod.ts";
import { answerOf, type Dialogue, toWire } from "./dialogue.ts";

/** What an ordinary camera says. */
export const ORDINARY: Readonly<Record<string, string>> = {
  OPTIONS: "RTSP/1.0 200 OK\nCSeq: *\nPublic: OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN\n",
  DESCRIBE: "RTSP/1.0 200 OK\nCSeq: *\nContent-Base: {url}/\nContent-Type: application/sdp\nContent-Length: *\n\n" +
    "v=0\no=- 1 1 IN IP4 {host}\ns=live\nt=0 0\na=control:*\nm=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\n" +
    "a=fmtp:96 packetization-mode=1;sprop-parameter-sets={sprop}\na=control:track1\n",
  SETUP: "RTSP/1.0 200 OK\nCSeq: *\nSession: 5A3C9\nTransport: {transport}\n",
  PLAY: "RTSP/1.0 200 OK\nCSeq: *\nSession: 5A3C9\n",
  GET_PARAMETER: "RTSP/1.0 200 OK\nCSeq: *\n",
  TEARDOWN: "RTSP/1.0 200 OK\nCSeq: *\n",
};
const PICTURE_INTERVAL = 10;
const GROUP = "239.255.78.1";

/** An even port that nothing listens on. */
function freeGroupPort(): number {
  for (;;) {
    const socket = Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: 0 });
    const { port } = socket.addr as Deno.NetAddr;
    socket.close();
    if (port % 2 === 0) return port;
  }
}

/** An RTSP server on the loopback that plays a file, and otherwise says and does what a dialogue has it. */
export class QuirkyCamera implements AsyncDisposable {
  readonly requests: RtspRequest[] = [];
  /** Statuses that the client answered to this side's requests. */
  readonly answered: number[] = [];
  /** What it sends on the track beside its video, with each picture: the count-th packet. */
  sound: (count: number) => Uint8Array | null = () => null;
  readonly #dialogue: Dialogue;
  readonly #file: VideoFile;
  readonly #listeners: Deno.TcpListener[];
  readonly #open = new Set<Conversation>();
  readonly #serving: Promise<void>[];

  constructor(dialogue: Dialogue, file: VideoFile) {
    this.#dialogue = dialogue;
    this.#file = file;
    // The second one is the other host that some cameras send their clients to.
    this.#listeners = ["127.0.0.1", "127.0.0.2"].map((hostname) => Deno.listen({ hostname, port: 0 }));
    this.#serving = this.#listeners.map((listener) => this.#accept(listener));
  }

  url(path: string, of = 0): string {
    const { hostname, port } = this.#listeners[of].addr as Deno.NetAddr;
    return `rtsp://${hostname}:${port}${path}`;
  }

  /** Closes all connections; it can be connected to again. */
  hangUp(): void {
    for (const conversation of this.#open) conversation.close();
  }

  /** How often a method was asked for. */
  count(method: string): number {
    return this.requests.filter((request) => request.method === method).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const listener of this.#listeners) listener.close();
    for (const conversation of this.#open) conversation.close();
    await Promise.all(this.#serving);
  }

  async #accept(listener: Deno.TcpListener): Promise<void> {
    const talks: Promise<void>[] = [];
    try {
      for await (const connection of listener) {
        const conversation = new Conversation(this, connection, this.#dialogue, this.#file);
        this.#open.add(conversation);
        talks.push(conversation.serve().finally(() => this.#open.delete(conversation)));
      }
    } catch {
      // closed
    }
    await Promise.all(talks);
  }
}

/** One client's connection. */
class Conversation {
  readonly #camera: QuirkyCamera;
  readonly #connection: Deno.TcpConn;
  readonly #dialogue: Dialogue;
  readonly #file: VideoFile;
  readonly #parser: RtspParser;
  readonly #out: Uint8Array[] = [];
  readonly #counts = new Map<string, number>();
  readonly #packetizer: H264Packetizer;
  #udp: Deno.DatagramConn | null = null;
  #clientPort = 0;
  /** Port of the multicast group, 0 without. */
  #group = 0;
  #channel = 0;
  /** Where the track beside the video was set up, -1 where it was not: a channel, and a port of the client. */
  #soundChannel = -1;
  #soundPort = -1;
  #video = "";
  #timer: ReturnType<typeof setInterval> | undefined;
  #unit = 0;
  #aliveAt = 0;
  #writing: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(camera: QuirkyCamera, connection: Deno.TcpConn, dialogue: Dialogue, file: VideoFile) {
    this.#camera = camera;
    this.#connection = connection;
    this.#dialogue = dialogue;
    this.#file = file;
    const mtu = Number(this.#trait("mtu") ?? 1400);
    const payloadType = Number(this.#trait("payload-type") ?? 96);
    this.#packetizer = new H264Packetizer({ payloadType, ssrc: 0x5eed, sequence: 65_530, mtu });
    this.#parser = new RtspParser({
      request: (request) => this.#onRequest(request),
      response: ({ status }) => camera.answered.push(status),
      interleaved: () => {},
      fault: (error) => {
        throw error;
      },
    });
  }

  async serve(): Promise<void> {
    const buffer = new Uint8Array(8192);
    try {
      for (
        let count = await this.#connection.read(buffer);
        count !== null;
        count = await this.#connection.read(buffer)
      ) {
        this.#parser.receive(buffer.subarray(0, count));
        this.#flush();
      }
    } catch {
      // The other end is gone, or the test is over.
    }
    this.close();
    await this.#writing;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    this.#udp?.close();
    try {
      this.#connection.close();
    } catch {
      // closed already
    }
  }

  #trait(name: string): string | undefined {
    return this.#dialogue.traits.get(name);
  }

  #onRequest(request: RtspRequest): void {
    this.#camera.requests.push(request);
    const { method } = request;
    const count = (this.#counts.get(method) ?? 0) + 1;
    this.#counts.set(method, count);
    if (method === "PLAY" && this.#trait("media") === "before-answer") this.#play();
    const standard = ORDINARY[method] ?? "RTSP/1.0 501 Not Implemented\nCSeq: *\n";
    const wrong = this.#isWrong(request);
    const text = wrong ? "RTSP/1.0 403 Forbidden\nCSeq: *\n" : answerOf(this.#dialogue, request, count) ?? standard;
    if (text.trim() !== "") this.#answer(request, text);
    if (/^RTSP\/1.0 +2/.test(text.trim())) this.#agreed(request, text);
    const [last, track = ""] = this.#trait("closes-after")?.split(" ") ?? [];
    if (last === method && request.url.endsWith(track)) this.close();
  }

  #answer(request: RtspRequest, text: string): void {
    const { values } = this.#fill(request);
    const lineEnd = this.#trait("line-end") === "lf" ? "\n" : "\r\n";
    const wire = toWire(text, { cseq: request.headers.get("CSeq") ?? "", lineEnd, values });
    this.#send(new TextEncoder().encode((this.#trait("before-answers") === "crlf" ? "\r\n\r\n" : "") + wire));
  }

  #fill(request: RtspRequest) {
    const address = this.#connection.localAddr as Deno.NetAddr;
    const offer = request.headers.get("Transport") ?? "";
    if (this.#trait("client") === "multicast") {
      this.#udp ??= Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: 0, loopback: true });
      this.#group ||= freeGroupPort();
    } else if (request.method === "SETUP" && /client_port/.test(offer)) {
      this.#udp ??= Deno.listenDatagram({ transport: "udp", hostname: address.hostname, port: 0 });
    }
    const port = this.#udp ? (this.#udp.addr as Deno.NetAddr).port : 0;
    const values: Record<string, string> = {
      host: address.hostname,
      port: String(address.port),
      url: request.url.replace(/\/*$/, ""),
      path: request.url.replace(/^rtsp:\/\/[^/]*/, ""),
      other: this.#camera.url("", 1),
      "group-port": String(this.#group),
      "group-ports": `${this.#group}-${this.#group + 1}`,
      transport: offer + (port ? `;server_port=${port}-${port + 1}` : ""),
      sprop: parameterSets(this.#file).map((set) => set.toBase64()).join(","),
      sps: parameterSets(this.#file)[0].toBase64(),
      pps: parameterSets(this.#file)[1].toBase64(),
      "annexb-sps": joinAnnexB([parameterSets(this.#file)[0]]).toBase64(),
      "annexb-pps": joinAnnexB([parameterSets(this.#file)[1]]).toBase64(),
    };
    return { values };
  }

  /** Credentials that are not the device's: what comes with them is refused for good. */
  #isWrong({ method, headers }: RtspRequest): boolean {
    const authorization = headers.get("Authorization"), username = this.#trait("user");
    if (authorization === null || username === undefined) return false;
    const password = this.#trait("password") ?? "";
    const [{ scheme, parameters, token }] = parseAuthHeader(authorization);
    if (scheme === "basic") return token !== new TextEncoder().encode(`${username}:${password}`).toBase64();
    const value = (name: string) => parameters.get(name) ?? "";
    const [algorithm, session] = (parameters.get("algorithm") ?? "MD5").toUpperCase().split("-SESS");
    return value("response") !== digestResponse({
      algorithm: algorithm as "MD5",
      session: session !== undefined,
      username,
      realm: value("realm"),
      password,
      method,
      uri: value("uri"),
      nonce: value("nonce"),
      qop: parameters.has("qop") ? "auth" : null,
      nonceCount: value("nc"),
      cnonce: value("cnonce"),
    });
  }

  #agreed(request: RtspRequest, text: string): void {
    this.#aliveAt = performance.now();
    if (request.method === "SETUP") {
      const offered = parseTransport(request.headers.get("Transport") ?? "")[0];
      const line = /^transport:(.*)$/im.exec(text)?.[1].replace("{transport}", request.headers.get("Transport") ?? "");
      const chosen = line === undefined ? offered : parseTransport(line)[0];
      this.#video ||= request.url;
      if (request.url !== this.#video) {
        this.#soundPort = offered.clientPort?.[0] ?? -1;
        this.#soundChannel = chosen.interleaved?.[0] ?? -1;
        return;
      }
      this.#clientPort = offered.clientPort?.[0] ?? 0;
      if (chosen.interleaved !== null || chosen.protocol === "tcp") this.#clientPort = 0;
      this.#channel = chosen.interleaved?.[0] ?? offered.interleaved?.[0] ?? 0;
    } else if (request.method === "PLAY") {
      this.#play();
      const asks = this.#trait("asks");
      if (asks !== undefined) {
        this.#send(new TextEncoder().encode(`${asks} ${request.url} RTSP/1.0\r\nCSeq: 1\r\n\r\n`));
      }
    } else if (request.method === "TEARDOWN" && this.#trait("media") !== "after-teardown") {
      clearInterval(this.#timer);
    }
  }

  #play(): void {
    if (this.#timer !== undefined || this.#trait("media") === "none") return;
    // A machine that is busy may have the client's words late.
    const alive = Number(this.#trait("keep-alive") ?? Infinity) * 1500;
    this.#timer = setInterval(() => {
      if (performance.now() - this.#aliveAt > alive && this.#aliveAt > 0) return this.close();
      const units = this.#file.units;
      const unit = units[this.#unit % units.length];
      this.#packetize(unit.data, 3_600 * this.#unit++ + 4_294_960_000 >>> 0);
      this.#sendSound(this.#camera.sound(this.#unit - 1));
      this.#flush();
    }, PICTURE_INTERVAL);
  }

  #packetize(unit: Uint8Array, timestamp: number): void {
    const form = this.#trait("packets");
    const data = this.#trait("parameter-sets") === "none" ? withoutSets(unit) : unit;
    if (form === "annexb") {
      const packet = new Uint8Array(12 + data.length);
      this.#packetizer.packetize(data.subarray(0, 100), timestamp, (whole) => packet.set(whole.subarray(0, 12)));
      packet[1] |= 0x80;
      packet.set(data, 12);
      return this.#sendMedia(packet);
    }
    this.#packetizer.packetize(data, timestamp, (packet) => {
      const copy = packet.slice();
      if (form === "no-marker") copy[1] &= 0x7f;
      this.#sendMedia(copy);
    });
  }

  #sendMedia(packet: Uint8Array): void {
    if (this.#group > 0) {
      const to = { transport: "udp", hostname: GROUP, port: this.#group } as const;
      return void this.#udp!.send(packet, to).catch(() => {});
    }
    if (this.#clientPort > 0) {
      if (this.#trait("udp") === "silent") return;
      const address = this.#connection.remoteAddr as Deno.NetAddr;
      const to = { transport: "udp", hostname: address.hostname, port: this.#clientPort } as const;
      return void this.#udp!.send(packet, to).catch(() => {});
    }
    const between = this.#trait("between");
    if (between !== undefined) this.#out.push(Uint8Array.fromHex(between.replaceAll(" ", "")));
    const { length } = packet;
    this.#out.push(Uint8Array.of(0x24, this.#channel, length >> 8, length & 0xff), packet);
  }

  #sendSound(packet: Uint8Array | null): void {
    if (packet === null) return;
    if (this.#soundPort >= 0) {
      const { hostname } = this.#connection.remoteAddr as Deno.NetAddr;
      return void this.#udp!.send(packet, { transport: "udp", hostname, port: this.#soundPort }).catch(() => {});
    }
    const { length } = packet;
    if (this.#soundChannel >= 0) {
      this.#out.push(Uint8Array.of(0x24, this.#soundChannel, length >> 8, length & 0xff), packet);
    }
  }

  #send(bytes: Uint8Array): void {
    this.#out.push(bytes);
  }

  #flush(): void {
    const parts = this.#out.splice(0);
    if (parts.length === 0 || this.#closed) return;
    const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) bytes.set(part, at), at += part.length;
    this.#writing = this.#writing.then(async () => {
      for (let sent = 0; sent < bytes.length;) sent += await this.#connection.write(bytes.subarray(sent));
    }).catch(() => {});
  }
}

function parameterSets(file: VideoFile): Uint8Array[] {
  const sets: Uint8Array[] = [];
  splitAnnexB(file.parameterSets, (start, end) => sets.push(file.parameterSets.subarray(start, end)));
  return sets;
}

function withoutSets(unit: Uint8Array): Uint8Array {
  const rest: Uint8Array[] = [];
  splitAnnexB(unit, (start, end) => {
    if (nalType(unit[start]) < 7) rest.push(unit.subarray(start, end));
  });
  return joinAnnexB(rest);
}
