import type { Warning } from "../media/mod.ts";
import type { ServerScheme } from "../rtsp/mod.ts";
import type { JoinAt, ServerCounters, ServeSettings, StreamCounters } from "../../workers/serve_protocol.ts";
import { type Servable, ServedFeed, type ServeFeedOptions } from "./served_feed.ts";
import { ServeWorker } from "./serve_worker.ts";

/** How to serve. */
export interface ServeRtspOptions {
  /** Address to listen at; `"0.0.0.0"` or `"::"`: all of this machine's. @default {"127.0.0.1"} */
  host?: string;
  /** 0: any free one. @default {8554} */
  port?: number;
  /** Where given, clients must know it. */
  username?: string;
  password?: string;
  /** How it asks for credentials; `Basic` sends them readably. @default {["SHA-256", "MD5"]} */
  schemes?: readonly ServerScheme[];
  /**
   * What clients may choose from. UDP needs `--unstable-net`, and `--allow-net` for the clients' addresses as well; without
   * them clients are told to take TCP. @default {["udp", "tcp"]}
   */
  transports?: readonly ("udp" | "tcp")[];
  /** Connections at once; more are closed. @default {256} */
  maxClients?: number;
  /**
   * Where a client's stream begins. `"last-keyframe"` sends what was since then at once: it has a picture immediately, and a
   * player that keeps to the pictures' times stays that much behind. @default {"next-keyframe"}
   */
  joinAt?: JoinAt;
  /** Hears, once for each feed, that its sound became another than its clients were told, and is left out. */
  onWarning?: (warning: Warning) => void;
  /** Rejects while it begins to listen; closes the server afterwards. */
  signal?: AbortSignal;
}

/** What a server does: counters, which only rise, but for `clients` and `viewers`. */
export interface RtspServerStats extends ServerCounters {
  /** By path. */
  feeds: Record<string, StreamCounters>;
}

/** An RTSP server that passes feeds on; see {@linkcode serveRtsp}. */
export class RtspServer implements AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly #worker: ServeWorker;
  readonly #joinAt: JoinAt;
  readonly #feeds = new Map<string, ServedFeed>();
  #closed = false;

  /** Use {@linkcode serveRtsp}. */
  constructor(worker: ServeWorker, options: { host: string; port: number; joinAt: JoinAt }) {
    this.#worker = worker;
    this.host = options.host;
    this.port = options.port;
    this.#joinAt = options.joinAt;
  }

  /**
   * Offers a feed under a path, to any number of clients. A camera's feed, or a branch of it, is read in the server's
   * thread; any other sequence of access units is read here, as fast as it comes. Each begins for a client at a
   * keyframe. A camera that is away and comes back goes on for those who wait; one that ends says goodbye to them.
   *
   * @throws {TypeError} where the path has no name in it, or is taken, or the feed or the server was disposed of, or
   * the sound is no camera's.
   */
  add(path: string, feed: Servable, options: ServeFeedOptions = {}): ServedFeed {
    const name = nameOf(path);
    if (this.#closed) throw new TypeError(`Cannot serve ${path}: the server was closed`);
    if (this.#feeds.has(name)) throw new TypeError(`Cannot serve ${path}: the path is taken`);
    const served = new ServedFeed(this.#worker, feed, {
      ...{ path: name, url: this.url(name), joinAt: this.#joinAt, sound: options.sound },
    });
    this.#feeds.set(name, served);
    void served.ended.then(() => {
      if (this.#feeds.get(name) === served) this.#feeds.delete(name);
    });
    return served;
  }

  /** Where clients find a path, without credentials; for a server at all addresses, as this machine finds it. */
  url(path: string): string {
    const { host, port } = this;
    const name = { "0.0.0.0": "127.0.0.1", "::": "[::1]" }[host] ?? (host.includes(":") ? `[${host}]` : host);
    return `rtsp://${name}:${port}/${nameOf(path).split("/").map(encodeURIComponent).join("/")}`;
  }

  stats(): RtspServerStats {
    const feeds = Object.fromEntries([...this.#feeds].map(([path, feed]) => [path, feed.stats()]));
    return { ...this.#worker.counters(), feeds };
  }

  /** Settles when it serves no more: with what went wrong, or with undefined. Never rejects. */
  get ended(): Promise<Error | undefined> {
    return this.#worker.ended;
  }

  /** Closes every connection; resolves when all sockets are closed. The feeds stay whose they are. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.#worker.close();
  }
}

/**
 * Starts an RTSP server that passes encoded feeds on as they are, so that a camera that takes few clients has one, and
 * everybody else asks here. It runs in a thread that may use the network and nothing else.
 *
 * A client that reads too slowly misses whole pictures up to a keyframe, and neither takes memory (4 MiB at most) nor
 * keeps others waiting. Sender reports carry the camera's own clock where it is known, else the time of receipt.
 *
 * Needs `--allow-net=<host:port>`, and for UDP the clients' addresses.
 *
 * @throws {RangeError} where `port` or `maxClients` is out of range, or there is no transport.
 * @throws {TypeError} where there is a password and no user name.
 * @throws {Deno.errors.AddrInUse} @throws {Deno.errors.NotCapable} @throws {SetupError}
 * @throws `signal.reason`
 *
 * @example
 * ```ts ignore
 * await using camera = await openRtsp("rtsp://192.168.1.64/h264", { username, password });
 * await using server = await serveRtsp({ host: "0.0.0.0", username: "viewer", password: "s3cr#t" });
 * server.add("/entrance", camera.video);
 * console.log(server.url("/entrance"));
 * ```
 */
export async function serveRtsp(options: ServeRtspOptions = {}): Promise<RtspServer> {
  const { signal, joinAt = "next-keyframe" } = options;
  signal?.throwIfAborted();
  const settings = settingsOf(options);
  const { worker, port } = await ServeWorker.start(settings, options);
  const server = new RtspServer(worker, { host: settings.host, port, joinAt });
  if (signal?.aborted) {
    await server[Symbol.asyncDispose]();
    signal.throwIfAborted();
  }
  const abort = () => void server[Symbol.asyncDispose]();
  signal?.addEventListener("abort", abort, { once: true });
  void server.ended.then(() => signal?.removeEventListener("abort", abort));
  return server;
}

function settingsOf(options: ServeRtspOptions): ServeSettings {
  const { host = "127.0.0.1", port = 8554, username, password, schemes, maxClients = 256 } = options;
  const { transports = ["udp", "tcp"] } = options;
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new RangeError(`Cannot serve: port is ${port}, expected 0 to 65535`);
  }
  if (!Number.isInteger(maxClients) || maxClients < 1) {
    throw new RangeError(`Cannot serve: maxClients is ${maxClients}, expected a positive integer`);
  }
  if (transports.length === 0) throw new RangeError("Cannot serve: there is no transport, expected udp, tcp or both");
  if (password !== undefined && username === undefined) {
    throw new TypeError("Cannot serve: there is a password, and no user name");
  }
  return { host, port, username, password, schemes, transports: [...transports], maxClients };
}

function nameOf(path: string): string {
  const name = path.replace(/^\/+|\/+$/g, "");
  // The last word is a track's, by which clients set it up; the rest would end the path.
  if (name === "" || /[?#\0\r\n]|(?:^|\/)track[12]$/.test(name)) {
    throw new TypeError(`Cannot serve ${JSON.stringify(path)}: expected a path such as "/entrance"`);
  }
  return name;
}
