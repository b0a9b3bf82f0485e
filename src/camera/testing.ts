/** What this folder's tests share: a client that says what a test has it say, and files made of nothing. */
import { RtspParser, type RtspResponse } from "../rtsp/mod.ts";
import { joinAnnexB } from "../rtp/mod.ts";
import type { VideoFile } from "../file/mod.ts";
import { PPS, SPS } from "../rtp/h264/testing.ts";

/** A file of so many pictures with so many bytes each, which are no picture; a keyframe every `gop`. */
export function emptyFile(options: { units: number; bytes?: number; gop?: number; frameRate?: number }): VideoFile {
  const { units, bytes = 100, gop = 10, frameRate = 50 } = options;
  const parameterSets = joinAnnexB([new Uint8Array(SPS), new Uint8Array(PPS)]);
  const unit = (i: number) => {
    const keyframe = i % gop === 0;
    const slice = new Uint8Array(bytes).fill(0x80 | i & 0x7f);
    slice.set(keyframe ? [0x65, 0x88] : [0x41, 0x9a]);
    const time = Math.round(i * 1e6 / frameRate);
    const data = keyframe ? joinAnnexB([new Uint8Array(SPS), new Uint8Array(PPS), slice]) : joinAnnexB([slice]);
    return { data, pts: time, dts: time, keyframe };
  };
  const all = Array.from({ length: units }, (_, i) => unit(i));
  return { codec: "h264", width: 320, height: 180, frameRate, parameterSets, units: all };
}

/** One connection to a camera. */
export class RawClient implements AsyncDisposable {
  /** Packets that came between the responses, by channel. */
  readonly packets: { channel: number; data: Uint8Array }[] = [];
  readonly #connection: Deno.TcpConn;
  readonly #responses: RtspResponse[] = [];
  readonly #reading: Promise<void>;
  #waiting: (() => void) | null = null;
  #sequence = 0;
  #over = false;

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
    this.#reading = this.#read();
  }

  static async connect(port: number): Promise<RawClient> {
    return new RawClient(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  /** Whether the camera has closed the connection. */
  get over(): boolean {
    return this.#over;
  }

  async send(bytes: Uint8Array | string): Promise<void> {
    const data = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
    for (let at = 0; at < data.length;) at += await this.#connection.write(data.subarray(at));
  }

  /** Sends a request, and gives the response to it. */
  async ask(method: string, url: string, headers: Record<string, string> = {}): Promise<RtspResponse> {
    const lines = Object.entries({ CSeq: String(++this.#sequence), ...headers }).map(([name, value]) =>
      `${name}: ${value}\r\n`
    );
    await this.send(`${method} ${url} RTSP/1.0\r\n${lines.join("")}\r\n`);
    for (;;) {
      const response = this.#responses.shift();
      if (response) return response;
      if (this.#over) throw new Error(`The camera closed the connection instead of answering ${method}`);
      await new Promise<void>((resolve) => this.#waiting = resolve);
    }
  }

  /** Resolves when the camera has closed the connection. */
  async closed(): Promise<void> {
    await this.#reading;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#connection.close();
    } catch {
      // The camera was faster.
    }
    await this.#reading;
  }

  async #read(): Promise<void> {
    const parser = new RtspParser({
      request: () => {},
      response: (response) => this.#responses.push(response),
      interleaved: (channel, data, start, end) => this.packets.push({ channel, data: data.slice(start, end) }),
      fault: () => {},
    });
    const buffer = new Uint8Array(65_536);
    try {
      for (
        let count = await this.#connection.read(buffer);
        count !== null;
        count = await this.#connection.read(buffer)
      ) {
        parser.receive(buffer.slice(0, count));
        this.#waiting?.();
      }
    } catch {
      // closed
    }
    this.#over = true;
    this.#waiting?.();
    try {
      this.#connection.close();
    } catch {
      // closed already
    }
  }
}
