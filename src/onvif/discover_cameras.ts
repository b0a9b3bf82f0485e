import { SetupError, type Warning } from "../media/mod.ts";
import { type DiscoveredCamera, probes, readProbeMatches } from "./probe_messages.ts";

/** Where cameras listen. @see WS-Discovery (2005/04), 2.4 */
const GROUP = { hostname: "239.255.255.250", port: 3702 } as const;
/** When the questions are asked, in milliseconds: datagrams get lost. */
const ASKED_AT = [0, 400];
/** What is kept of a network that answers more than it should. */
const MAX_CAMERAS = 1024;
const MAX_ANSWERS = 8192;

/** How to look for cameras. */
export interface DiscoverOptions {
  /** Milliseconds to wait for answers. @default {3_000} */
  timeout?: number;
  /**
   * This machine's addresses to ask from, one for each network. @default {all of IPv4, where `--allow-sys=networkInterfaces`
   * lets them be known; else the one that the system chooses}
   */
  from?: readonly string[];
  /** Asks one host instead of everybody, for networks that pass no multicast on. */
  at?: { hostname: string; port?: number };
  signal?: AbortSignal;
  /** Hears of each camera as it answers. */
  onCamera?: (camera: DiscoveredCamera) => void;
  /** Hears at the end of answers that were none. */
  onWarning?: (warning: Warning) => void;
}

/**
 * Looks for ONVIF cameras in the local networks (WS-Discovery) and gives those that answered in time. What they say is
 * anybody's word: nothing is sent to them but the question.
 *
 * Needs `--allow-net` for UDP to 239.255.255.250:3702 and from this machine's addresses, and `--unstable-net`.
 *
 * @throws {RangeError} where the timeout is none. @throws {SetupError} without `--unstable-net`.
 * @throws {Deno.errors.NotCapable} @throws `signal.reason`
 *
 * @example
 * ```ts ignore
 * for (const { name, addresses } of await discoverCameras()) console.log(name, addresses[0]);
 * ```
 */
export async function discoverCameras(options: DiscoverOptions = {}): Promise<DiscoveredCamera[]> {
  const { timeout = 3_000, signal, at } = options;
  if (!(timeout > 0) || timeout > 2 ** 31 - 1) {
    throw new RangeError(`Cannot look for cameras: timeout is ${timeout}, expected a positive number of milliseconds`);
  }
  signal?.throwIfAborted();
  if (typeof Deno.listenDatagram !== "function") {
    const how = 'add "unstable": ["net"] to deno.json, or run with --unstable-net';
    throw new SetupError("option", `Cannot look for cameras: Deno was not told to allow UDP: ${how}`);
  }
  const questions = probes(() => crypto.randomUUID());
  const hearing = new Hearing(new Set(questions.map(({ id }) => id)), options.onCamera);
  const sockets = openSockets(options.from ?? localAddresses());
  const listening = sockets.map((socket) => hearing.listen(socket));
  const to = { transport: "udp", hostname: at?.hostname ?? GROUP.hostname, port: at?.port ?? GROUP.port } as const;
  const ask = async () => {
    for (const socket of sockets) {
      for (const { message } of questions) await socket.send(message, to);
    }
  };
  const over = Promise.withResolvers<void>();
  const abort = () => over.reject(signal!.reason);
  signal?.addEventListener("abort", abort, { once: true });
  const timers = [
    setTimeout(over.resolve, timeout),
    // The first time is awaited below, so that a program that may not ask hears of it.
    ...ASKED_AT.slice(1).filter((time) => time < timeout).map((time) => setTimeout(() => ask().catch(() => {}), time)),
  ];
  try {
    // Who listens ends with the sockets alone, or with what `onCamera` threw.
    const failing = listening.map((one) => one.then(() => over.promise));
    await Promise.race([over.promise, askSomewhere(ask, over.promise), ...failing]);
  } finally {
    timers.forEach(clearTimeout);
    signal?.removeEventListener("abort", abort);
    for (const socket of sockets) socket.close();
    await Promise.allSettled(listening);
  }
  hearing.warn(options.onWarning);
  return [...hearing.cameras.values()];
}

/** Asks, and then waits for as long as answers are waited for. */
async function askSomewhere(ask: () => Promise<void>, over: Promise<void>): Promise<void> {
  try {
    await ask();
  } catch (error) {
    // A network without a route there has no cameras to be found; another may have.
    if (error instanceof Deno.errors.NotCapable) throw error;
  }
  await over;
}

/** What came. */
class Hearing {
  readonly cameras = new Map<string, DiscoveredCamera>();
  readonly #asked: ReadonlySet<string>;
  readonly #onCamera: ((camera: DiscoveredCamera) => void) | undefined;
  #answers = 0;
  #strange = 0;
  #last = "";

  constructor(asked: ReadonlySet<string>, onCamera: ((camera: DiscoveredCamera) => void) | undefined) {
    this.#asked = asked;
    this.#onCamera = onCamera;
  }

  /** Resolves when the socket was closed. */
  async listen(socket: Deno.DatagramConn): Promise<void> {
    for await (const [data, from] of socket) {
      if (++this.#answers <= MAX_ANSWERS) this.#take(data, (from as Deno.NetAddr).hostname);
    }
  }

  warn(tell: ((warning: Warning) => void) | undefined): void {
    if (this.#strange === 0) return;
    const message = "Answers came to the search for cameras that were none";
    tell?.({ code: "onvif-strange-answer", message, at: { peer: this.#last }, count: this.#strange });
  }

  #take(data: Uint8Array, from: string): void {
    try {
      const found = readProbeMatches(data, from, this.#asked);
      if (found.length === 0) this.#isStrange(from);
      for (const camera of found) {
        if (this.cameras.has(camera.id) || this.cameras.size >= MAX_CAMERAS) continue;
        this.cameras.set(camera.id, camera);
        this.#onCamera?.(camera);
      }
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      this.#isStrange(from);
    }
  }

  #isStrange(from: string): void {
    this.#strange++;
    this.#last = from;
  }
}

/** One socket for each address: the system sends to a group by the network of the address that the socket is bound to. */
function openSockets(addresses: readonly string[]): Deno.DatagramConn[] {
  const sockets: Deno.DatagramConn[] = [];
  try {
    for (const hostname of addresses) sockets.push(Deno.listenDatagram({ transport: "udp", hostname, port: 0 }));
  } catch (error) {
    for (const socket of sockets) socket.close();
    throw error;
  }
  return sockets;
}

function localAddresses(): string[] {
  const { state } = Deno.permissions.querySync({ name: "sys", kind: "networkInterfaces" });
  if (state !== "granted") return ["0.0.0.0"];
  const all = Deno.networkInterfaces().filter(({ family, address }) =>
    family === "IPv4" && !address.startsWith("127.")
  );
  return all.length === 0 ? ["0.0.0.0"] : all.map(({ address }) => address);
}
