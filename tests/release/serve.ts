/** A folder as a web server offers it, on this machine; counts what it was asked for. */
export class ServedFolder implements AsyncDisposable {
  readonly asked = new Map<string, number>();
  /** Given instead of what lies in the folder, by path. */
  readonly instead = new Map<string, Uint8Array<ArrayBuffer>>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(folder: string) {
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
      const path = decodeURIComponent(new URL(request.url).pathname);
      this.asked.set(path, (this.asked.get(path) ?? 0) + 1);
      try {
        const body = this.instead.get(path) ?? await Deno.readFile(`${folder}${path}`);
        return new Response(body, { headers: { "content-type": TYPES[path.split(".").at(-1)!] ?? "text/plain" } });
      } catch {
        return new Response(null, { status: 404 });
      }
    });
  }

  get host(): string {
    return `127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

const TYPES: Record<string, string> = {
  ts: "application/typescript",
  json: "application/json",
  wasm: "application/wasm",
  so: "application/octet-stream",
};
