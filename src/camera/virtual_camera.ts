import { readVideoFile, type VideoFile } from "../file/mod.ts";
import { videoPacketizer } from "../rtp/mod.ts";
import type { ServerScheme } from "../rtsp/mod.ts";
import { StreamServer } from "../serve/mod.ts";
import { checkFaults, type Faults, NO_FAULTS } from "./faults.ts";
import { Stream } from "./stream.ts";

/** How a virtual camera is made. */
export interface VirtualCameraOptions {
  /** What it plays, by the name in the URL: a path, or a file that was read. */
  files: Record<string, string | URL | VideoFile>;
  /** @default {"127.0.0.1"} */
  host?: string;
  /** 0: any free one. @default {0} */
  port?: number;
  /** Where given, clients must know it. */
  username?: string;
  password?: string;
  /** How it asks for credentials. @default {["SHA-256", "MD5"]} */
  schemes?: readonly ServerScheme[];
  /** @default {["udp", "tcp"]} */
  transports?: readonly ("udp" | "tcp")[];
  faults?: Partial<Faults>;
  /** Of the faults' chance, so that they can be had again. @default {1} */
  seed?: number;
  /** Ends it. */
  signal?: AbortSignal;
}

/** What a virtual camera does. */
export interface VirtualCameraStats {
  clients: number;
  /** Clients since the start. */
  connections: number;
  viewers: { stream: string; accessUnits: number; packets: number; bytes: number; skipped: number; reports: number }[];
}

/**
 * An RTSP server that plays files as a camera would: in real time, in a loop, with continuous times. For trying
 * things without a camera, and for seeing what they do when a camera misbehaves.
 *
 * Needs `--allow-net=<host>` and read permission for the files.
 *
 * @example
 * ```ts ignore
 * await using camera = await VirtualCamera.start({ files: { street: "street.mp4" }, username: "u", password: "p" });
 * console.log(camera.url("street"));
 * ```
 */
export class VirtualCamera implements AsyncDisposable {
  /** What goes wrong; may be changed at any time. */
  readonly faults: Faults;
  readonly host: string;
  readonly port: number;
  readonly #streams = new Map<string, Stream>();
  readonly #server: StreamServer;
  #startedAt = performance.now();
  #timer: ReturnType<typeof setInterval>;
  #closed = false;

  private constructor(options: VirtualCameraOptions, files: Map<string, VideoFile>, faults: Faults) {
    this.faults = faults;
    this.host = options.host ?? "127.0.0.1";
    const { port = 0, username, password, schemes, transports = ["udp", "tcp"] } = options;
    this.#server = new StreamServer({
      ...{ host: this.host, port, username, password, schemes, transports },
      // Its clients are tests, which may have as many as there are sockets.
      maxClients: Infinity,
      realm: "Millrace camera",
      find: (path) => this.#streams.get(path),
    });
    this.port = this.#server.port;
    let seed = options.seed ?? 1;
    for (const [name, file] of files) this.#streams.set(name, new Stream(name, file, faults, seed++));
    this.#timer = setInterval(() => this.#supervise(), 100);
    options.signal?.addEventListener("abort", () => void this[Symbol.asyncDispose](), { once: true });
  }

  /**
   * @throws {TypeError} where a file is no video, or MJPEG that cannot be sent over RTP.
   * @throws {RangeError} where a fault makes no sense.
   * @throws {Deno.errors.NotFound} @throws {Deno.errors.AddrInUse}
   */
  static async start(options: VirtualCameraOptions): Promise<VirtualCamera> {
    options.signal?.throwIfAborted();
    const faults: Faults = { ...NO_FAULTS, ...options.faults };
    checkFaults(faults);
    const files = new Map<string, VideoFile>();
    for (const [name, source] of Object.entries(options.files)) {
      const file = typeof source === "string" || source instanceof URL ? await readVideoFile(source) : source;
      if (file.codec === "mjpeg") checkPictures(file, name);
      files.set(name, file);
    }
    return new VirtualCamera(options, files, faults);
  }

  /** The address of one of its streams, without credentials. */
  url(name: string): string {
    const host = this.host === "0.0.0.0" ? "127.0.0.1" : this.host.includes(":") ? `[${this.host}]` : this.host;
    return `rtsp://${host}:${this.port}/${encodeURIComponent(name)}`;
  }

  /** The addresses of all of its streams. */
  get urls(): string[] {
    return [...this.#streams.keys()].map((name) => this.url(name));
  }

  stats(): VirtualCameraStats {
    const { sessions, connections } = this.#server;
    const viewers = [...this.#streams.values()].flatMap((stream) =>
      [...stream.viewers].map((viewer) => {
        const { accessUnits, packets, bytes, skipped } = viewer.stats;
        const reports = [...sessions].find((session) => session.viewer === viewer)?.reports ?? 0;
        return { stream: stream.name, accessUnits, packets, bytes, skipped, reports };
      })
    );
    return { clients: sessions.size, connections, viewers };
  }

  /** Goes away for so many milliseconds, and comes back with new clocks, as after a power cut. */
  async reboot(forMs: number): Promise<void> {
    this.#server.goAway();
    await new Promise((resolve) => setTimeout(resolve, forMs));
    this.#comeBack();
  }

  /** Idempotent; resolves when all sockets are closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    for (const stream of this.#streams.values()) stream.close();
    await this.#server.close();
  }

  #supervise(): void {
    const { reboot } = this.faults;
    if (!reboot) return;
    const elapsed = (performance.now() - this.#startedAt) / 1000;
    if (this.#server.listening && elapsed >= reboot.every) this.#server.goAway();
    else if (!this.#server.listening && elapsed >= reboot.every + reboot.for) this.#comeBack();
  }

  #comeBack(): void {
    if (this.#closed || this.#server.listening) return;
    this.#server.comeBack();
    this.#startedAt = performance.now();
    for (const stream of this.#streams.values()) stream.restart();
  }
}

/** Says at once, and not in the middle of the playback, that a picture is none that RTP has a way to say. */
function checkPictures(file: VideoFile, name: string): void {
  const packetizer = videoPacketizer(file.codec, { payloadType: 0, ssrc: 0, sequence: 0 });
  try {
    for (const { data } of file.units) packetizer.packetize(data, 0, () => {});
  } catch (cause) {
    const why = (cause as Error).message.split(": ").at(-1);
    throw new TypeError(`Cannot play ${name}: ${why}; ffmpeg writes what can be sent with -huffman default`, { cause });
  }
}
