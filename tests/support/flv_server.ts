import { FlvParser } from "../../src/flv/mod.ts";
import { splitAnnexB } from "../../src/rtp/mod.ts";
import type { VideoFile } from "../../src/file/mod.ts";

/** One tag of a stream of FLV. */
export interface Tag {
  /** 8 sound, 9 video, 18 what is said of them. */
  type: number;
  /** Milliseconds. */
  timestamp: number;
  body: Uint8Array;
}

/** In which words a tag says its codec. */
export type Form = "legacy" | "enhanced";

const FOURCC = { h264: "avc1", hevc: "hvc1" } as const;

/** A file's pictures as tags; those of H.265 in the number that cameras made up, or by its name. */
export function tagsOf(file: VideoFile, form: Form): Tag[] {
  if (file.codec === "mjpeg") throw new TypeError("FLV has no MJPEG");
  const { codec, units, parameterSets } = file;
  const head = (keyframe: boolean, type: number, delay: number): number[] => {
    const kind = keyframe ? 1 : 2, times = [delay >> 16, delay >> 8, delay].map((byte) => byte & 0xff);
    if (form === "legacy") return [kind << 4 | (codec === "h264" ? 7 : 12), type, ...times];
    // Without a delay there is a shorter form.
    const short = type === 1 && delay === 0;
    return [
      0x80 | kind << 4 | (short ? 3 : type),
      ...new TextEncoder().encode(FOURCC[codec]),
      ...(type === 1 && !short ? times : []),
    ];
  };
  const first = units[0].dts;
  const tags = units.map(({ data, pts, dts, keyframe }): Tag => ({
    type: 9,
    timestamp: Math.round((dts - first) / 1000),
    body: new Uint8Array([
      ...head(keyframe, 1, Math.round((pts - first) / 1000) - Math.round((dts - first) / 1000)),
      ...nals(data).filter((nal) => !isParameterSet(codec, nal[0])).flatMap((nal) => [...length(nal, 4), ...nal]),
    ]),
  }));
  const configuration = codec === "h264" ? avcRecord(nals(parameterSets)) : hevcRecord(nals(parameterSets));
  return [{ type: 9, timestamp: 0, body: new Uint8Array([...head(true, 0, 0), ...configuration]) }, ...tags];
}

/** The tags of a stream as another program wrote it. */
export function readTags(bytes: Uint8Array): Tag[] {
  const tags: Tag[] = [];
  const types = { audio: 8, video: 9, script: 18 };
  new FlvParser({
    tag: (kind, data, start, end, timestamp) => {
      tags.push({ type: types[kind], timestamp, body: data.slice(start, end) });
    },
    fault: (error) => {
      throw error;
    },
  }).receive(bytes);
  return tags;
}

/** How many milliseconds lie between the begins of two rounds. */
export function roundOf(tags: readonly Tag[]): number {
  return Math.max(...tags.map(({ timestamp }) => timestamp)) + 20;
}

/** Whether a tag says what others are, and is none of them. */
function isConfiguration({ type, body }: Tag): boolean {
  if (type === 8) return body[0] >> 4 === 10 && body[1] === 0;
  return type === 18 || (body[0] & 0x80 ? body[0] & 0x0f : body[1]) === 0;
}

/** What stands at the begin of a stream. */
export const FLV_HEADER = new Uint8Array([0x46, 0x4c, 0x56, 1, 1, 0, 0, 0, 9, 0, 0, 0, 0]);

/** A tag as it is sent. */
export function tagBytes({ type, timestamp, body }: Tag): Uint8Array<ArrayBuffer> {
  const size = body.length, time = timestamp >>> 0;
  const head = [type, size >> 16, size >> 8, size, time >> 16, time >> 8, time, time >>> 24, 0, 0, 0];
  const bytes = new Uint8Array(11 + size + 4);
  bytes.set(head.map((byte) => byte & 0xff));
  bytes.set(body, 11);
  new DataView(bytes.buffer).setUint32(11 + size, 11 + size);
  return bytes;
}

/** What a server answers to a request, by its head: a head of its own, and whether the stream follows; null: nothing. */
export type FlvScript = (request: { target: string; head: string }) => { head: string; plays: boolean } | null;

export const PLAYS = "HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\nConnection: close\r\n\r\n";
export const PLAYS_CHUNKED = "HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\nTransfer-Encoding: chunked\r\n\r\n";

/** A web server on the loopback that plays tags over and over, with times that go on, to whoever its script lets. */
export class FlvServer implements AsyncDisposable {
  readonly port: number;
  readonly requests: string[] = [];
  readonly #listener: Deno.Listener<Deno.TcpConn | Deno.TlsConn>;
  readonly #tags: readonly Tag[];
  readonly #script: FlvScript;
  readonly #open = new Set<Deno.Conn>();
  readonly #serving: Promise<void>;

  constructor(tags: readonly Tag[], script: FlvScript, options: { port?: number; tls?: Deno.TlsCertifiedKeyPem } = {}) {
    const { port = 0, tls } = options;
    this.#tags = tags;
    this.#script = script;
    const at = { hostname: "127.0.0.1", port };
    this.#listener = tls ? Deno.listenTls({ ...at, ...tls }) : Deno.listen(at);
    this.port = (this.#listener.addr as Deno.NetAddr).port;
    this.#serving = this.#accept();
  }

  /** Ends every connection; new ones are taken all the same. */
  hangUp(): void {
    for (const connection of this.#open) shut(connection);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.hangUp();
    await this.#serving;
  }

  async #accept(): Promise<void> {
    const talks: Promise<void>[] = [];
    try {
      for await (const connection of this.#listener) {
        this.#open.add(connection);
        talks.push(
          this.#talk(connection).catch(() => {}).finally(() => {
            this.#open.delete(connection);
            shut(connection);
          }),
        );
      }
    } catch {
      // closed
    }
    await Promise.all(talks);
  }

  async #talk(connection: Deno.Conn): Promise<void> {
    const buffer = new Uint8Array(4096);
    let head = "";
    while (!head.includes("\r\n\r\n")) {
      const count = await connection.read(buffer);
      if (count === null) return;
      head += new TextDecoder().decode(buffer.subarray(0, count));
    }
    const target = head.split(" ")[1];
    this.requests.push(target);
    const answer = this.#script({ target, head });
    if (answer === null) return void await connection.read(buffer);
    await write(connection, new TextEncoder().encode(answer.head));
    if (answer.plays) await this.#play(connection, answer.head.includes("chunked"));
  }

  async #play(connection: Deno.Conn, chunked: boolean): Promise<void> {
    const send = async (bytes: Uint8Array) => {
      if (!chunked) return await write(connection, bytes);
      // Cut where nothing ends.
      for (let at = 0; at < bytes.length; at += 1000) {
        const part = bytes.subarray(at, at + 1000);
        const line = new TextEncoder().encode(`${part.length.toString(16)}\r\n`);
        await write(connection, new Uint8Array([...line, ...part, 13, 10]));
      }
    };
    await send(FLV_HEADER);
    const roundTime = roundOf(this.#tags);
    // What they are is said once.
    const again = this.#tags.filter((tag) => !isConfiguration(tag));
    for (let round = 0; round === 0 || again.length > 0; round++) {
      for (const tag of round === 0 ? this.#tags : again) {
        await new Promise((resolve) => setTimeout(resolve, 4));
        await send(tagBytes({ ...tag, timestamp: tag.timestamp + round * roundTime }));
      }
    }
  }
}

function nals(data: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = [];
  splitAnnexB(data, (start, end) => found.push(data.subarray(start, end)));
  return found;
}

function isParameterSet(codec: "h264" | "hevc", first: number): boolean {
  const type = codec === "h264" ? first & 0x1f : first >> 1 & 0x3f;
  return codec === "h264" ? type === 7 || type === 8 : type >= 32 && type <= 34;
}

function length(nal: Uint8Array, bytes: 2 | 4): number[] {
  return bytes === 2
    ? [nal.length >> 8, nal.length & 0xff]
    : [nal.length >>> 24, nal.length >> 16 & 0xff, nal.length >> 8 & 0xff, nal.length & 0xff];
}

/** @see ISO/IEC 14496-15, 5.3.3.1 */
function avcRecord(sets: Uint8Array[]): number[] {
  const [sps, pps] = [7, 8].map((type) => sets.filter((nal) => (nal[0] & 0x1f) === type));
  const list = (of: Uint8Array[]) => of.flatMap((nal) => [...length(nal, 2), ...nal]);
  return [1, ...sps[0].subarray(1, 4), 0xff, 0xe0 | sps.length, ...list(sps), pps.length, ...list(pps)];
}

/** @see ISO/IEC 14496-15, 8.3.3.1 */
function hevcRecord(sets: Uint8Array[]): number[] {
  const head = new Array(21).fill(0);
  head[0] = 1;
  return [
    ...head,
    3,
    sets.length,
    ...sets.flatMap((nal) => [0x80 | nal[0] >> 1 & 0x3f, 0, 1, ...length(nal, 2), ...nal]),
  ];
}

async function write(to: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
}

function shut(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // closed already
  }
}
