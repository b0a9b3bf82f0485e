import { AuthVerifier, type ServerScheme } from "../rtsp/mod.ts";
import { ClientSession, SESSION_TIMEOUT } from "./client_session.ts";
import type { ServedStream } from "./served_stream.ts";

/** Until a client is accepted again after one could not be, in milliseconds. */
const ACCEPT_AGAIN = 50;
/** Between two looks for clients of whom nothing is heard, in milliseconds. */
const SUPERVISION = 250;

/** How a server of streams is made. */
export interface StreamServerOptions {
  host: string;
  /** 0: any free one. */
  port: number;
  /** Where given, clients must know it. */
  username?: string;
  password?: string;
  /** How it asks for credentials. @default {["SHA-256", "MD5"]} */
  schemes?: readonly ServerScheme[];
  transports: readonly ("udp" | "tcp")[];
  /** Connections at once; more are closed. */
  maxClients: number;
  realm: string;
  /** Has the stream of a path, without slashes at its ends. */
  find(path: string): ServedStream | undefined;
}

/** RTSP's side of a server: connections, sessions, credentials. What it serves comes from elsewhere. */
export class StreamServer {
  readonly port: number;
  readonly sessions = new Set<ClientSession>();
  readonly #options: StreamServerOptions;
  readonly #verifier: AuthVerifier | null;
  #listener: Deno.TcpListener | null;
  #accepting: Promise<void>;
  #timer: ReturnType<typeof setInterval>;
  /** Clients since the start. */
  connections = 0;
  /** Of these, those that were one too many. */
  refused = 0;

  /** @throws {Deno.errors.AddrInUse} and what else `Deno.listen` throws. */
  constructor(options: StreamServerOptions) {
    this.#options = options;
    const { username, password, schemes, realm } = options;
    this.#verifier = username === undefined ? null : new AuthVerifier({
      realm,
      password: (user) => user === username ? password ?? "" : null,
      schemes,
      random: (into) => crypto.getRandomValues(into),
    });
    this.#listener = Deno.listen({ hostname: options.host, port: options.port });
    this.port = (this.#listener.addr as Deno.NetAddr).port;
    this.#accepting = this.#accept(this.#listener);
    this.#timer = setInterval(() => this.#supervise(), SUPERVISION);
  }

  get listening(): boolean {
    return this.#listener !== null;
  }

  /** Says goodbye to all who have set up a stream. */
  finish(stream: ServedStream): void {
    for (const session of this.sessions) if (session.stream === stream) session.finish();
  }

  /** Is as if it were not there: nobody listens, no connection stands. */
  goAway(): void {
    const listener = this.#listener;
    this.#listener = null;
    listener?.close();
    for (const session of this.sessions) session.close();
  }

  /** Listens again at the same port. */
  comeBack(): void {
    if (this.#listener) return;
    this.#listener = Deno.listen({ hostname: this.#options.host, port: this.port });
    this.#accepting = this.#accept(this.#listener);
  }

  /** Idempotent; resolves when all sockets are closed. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.goAway();
    await this.#accepting;
  }

  async #accept(listener: Deno.TcpListener): Promise<void> {
    const { find, transports, maxClients } = this.#options;
    const server = { find, verifier: this.#verifier, transports };
    while (this.#listener === listener) {
      try {
        const connection = await listener.accept();
        this.connections++;
        if (this.sessions.size >= maxClients) {
          this.refused++;
          connection.close();
          continue;
        }
        connection.setNoDelay(true);
        const session = new ClientSession(server, connection);
        this.sessions.add(session);
        session.serve().finally(() => this.sessions.delete(session));
      } catch {
        // A client that was gone at once, or more clients than this process may have sockets: some will go.
        if (this.#listener === listener) await new Promise((resolve) => setTimeout(resolve, ACCEPT_AGAIN));
      }
    }
  }

  #supervise(): void {
    const now = Date.now();
    for (const session of this.sessions) if (now - session.lastSeen > SESSION_TIMEOUT) session.close();
  }
}
