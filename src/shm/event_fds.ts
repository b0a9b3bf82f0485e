import { ShmError } from "../media/mod.ts";
import { ERRNO, errnoName, errnoPhrase } from "../../ffi/errno.ts";
import { libraryPath, loadLibrary, type NativeLibrary } from "../../ffi/load.ts";
import { requestPath } from "../../ffi/path_permission.ts";
import { cString } from "../../ffi/symbols.ts";

/** The C library serves at most so many milliseconds at a time, so that a thread that is ended from outside is soon free. */
const SLICE = 1_000;

/** How to share eventfds. */
export interface EventFdOptions {
  /** Permission bits of the socket: who may write it may connect. @default {0o600} */
  mode?: number;
  /** Closes the server. */
  signal?: AbortSignal;
}

/** What a server of eventfds has to do. */
export interface EventFdStats {
  /** Programs that are connected. */
  clients: number;
  /** Eventfds that are kept up. */
  eventFds: number;
  /** Eventfds given so far. */
  given: number;
  /** Requests refused so far. */
  refused: number;
}

/**
 * Passes eventfds to other programs, so that they wait for rings in an event loop of their own: `epoll`, Python's `selectors` or
 * `asyncio`, or any other. They may be anybody's programs, and the rings those of any writer in any process.
 *
 * A program connects to the Unix socket at `path`, one of packets (`SOCK_SEQPACKET`), and sends the name of a ring. The answer is `ok`,
 * with an eventfd beside it (`SCM_RIGHTS`), or `error: ` and why not; it may ask for up to 256 rings. An eventfd counts what was published
 * since it was read, and one more when the ring is closed, when its writer dies, and when the next writer takes the name: then
 * the program should open the ring anew. With a ring of a libValkka server it holds how many records are unread, and is set again while
 * there are any. It is kept up as long as the connection is open. A program that never reads costs nothing; 64 may be connected.
 *
 * A program is told of the rings that it may read itself, by their mode bits and its user and group.
 *
 * All of it costs this process one thread. It needs `--allow-ffi=<library>`, and `--allow-read=<path> --allow-write=<path>`.
 *
 * @example
 * ```ts ignore
 * await using bells = await shareEventFds("/run/user/1000/cameras.sock");
 * ```
 *
 * @throws {ShmError} `in-use` where a living server has that path, or something else that is no socket; what a dead server left is
 * replaced. `invalid` where the path is too long for a socket (107 bytes), `permission`, `not-found` where its folder is missing.
 * @throws {Deno.errors.NotCapable} where this program may not use the path.
 * @throws {SetupError} where the C library is not built, or may not be called.
 * @throws `signal.reason`
 */
export async function shareEventFds(path: string, options: EventFdOptions = {}): Promise<EventFdServer> {
  const { mode = 0o600, signal } = options;
  if (!Number.isInteger(mode) || mode < 0 || mode > 0o777 || (mode & 0o200) === 0) {
    throw new RangeError(
      `Cannot share eventfds: the mode is 0o${mode.toString(8)}, expected 0o200 to 0o777 with 0o200 in it`,
    );
  }
  signal?.throwIfAborted();
  await requestPath(path);
  const library = loadLibrary(await libraryPath());
  signal?.throwIfAborted();
  const handle = library.symbols.mr_event_fds_new(cString(path), mode);
  if (handle < 0) throw refusal(path, handle);
  return new EventFdServer(library, handle, path, signal);
}

/** Shares eventfds until it is disposed of. @see {@linkcode shareEventFds} */
export class EventFdServer implements AsyncDisposable {
  readonly path: string;
  readonly #library: NativeLibrary;
  readonly #handle: number;
  readonly #signal: AbortSignal | undefined;
  readonly #serving: Promise<void>;
  readonly #counts = new BigUint64Array(4);
  #closed = false;

  /** @ignore */
  constructor(library: NativeLibrary, handle: number, path: string, signal?: AbortSignal) {
    this.path = path;
    this.#library = library;
    this.#handle = handle;
    this.#signal = signal;
    signal?.addEventListener("abort", this.#close);
    this.#serving = this.#serve();
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Null once it is closed. */
  stats(): EventFdStats | null {
    if (this.#library.symbols.mr_event_fds_counts(this.#handle, this.#counts) < 0) return null;
    const [clients, eventFds, given, refused] = [...this.#counts].map(Number);
    return { clients, eventFds, given, refused };
  }

  /** Lets the clients go, and takes the socket away; resolves when both are gone. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#close();
    await this.#serving;
  }

  readonly #close = () => {
    if (this.#closed) return;
    this.#closed = true;
    this.#signal?.removeEventListener("abort", this.#close);
    this.#library.symbols.mr_close(this.#handle);
  };

  async #serve(): Promise<void> {
    const { symbols } = this.#library;
    while (
      !this.#closed && await symbols.mr_event_fds_serve_async(this.#handle, SLICE) === 0
    ) { /* Until it is closed. */ }
  }
}

function refusal(path: string, result: number): ShmError {
  const errno = -result, action = `Cannot share eventfds at "${path}"`;
  const refuse = (code: ShmError["code"], why: string) => new ShmError(code, `${action}: ${why}`, { errno });
  switch (errno) {
    case ERRNO.EADDRINUSE:
      return refuse("in-use", "a running server has that path; choose another, or end it");
    case ERRNO.EEXIST:
      return refuse("in-use", "there is something that is no socket; choose another path, or remove it");
    case ERRNO.ENAMETOOLONG:
      return refuse("invalid", "the path is too long for a socket, which takes 107 bytes");
    case ERRNO.EINVAL:
      return refuse("invalid", "the path is empty");
    case ERRNO.ENOENT:
      return refuse("not-found", "there is no such folder");
    case ERRNO.EACCES:
    case ERRNO.EPERM:
      return refuse("permission", "this user may not make a socket there");
    default:
      return refuse("system", `${errnoPhrase(errno)} (${errnoName(errno)})`);
  }
}
