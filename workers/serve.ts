/// <reference lib="deno.worker" />
import { StreamServer } from "../src/serve/stream_server.ts";
import { Doorbell } from "./doorbell.ts";
import { RingStream } from "./serve/ring_stream.ts";
import { type FromServeWorker, SERVER_COUNTERS, type ToServeWorker } from "./serve_protocol.ts";

/*
 * The serve worker: an RTSP server. It may use the network and nothing else: where it sends over TCP alone, one address to
 * listen at. Access units come in rings; it waits for all of them on one doorbell, beside its sockets.
 */

/** How long it sleeps at most before it looks around by itself, in milliseconds. */
const PATIENCE = 1_000;
/** The same with sound to send: its ring does not ring the bell. */
const SOUND_PATIENCE = 40;
/** Between two updates of the counters of its clients, in milliseconds. */
const COUNTING = 100;

const streams = new Map<number, RingStream>();
let server: StreamServer;
let counters: Float64Array;
let bell: Doorbell;
let over = false;

function say(message: FromServeWorker): void {
  self.postMessage(message);
}

// Elsewhere this is loaded for the cache alone: see spawn.ts.
if (self.name === "millrace-serve") {
  self.onmessage = (event: MessageEvent<ToServeWorker>) => take(event.data);
}

function take(message: ToServeWorker): void {
  switch (message.type) {
    case "init":
      return listen(message);
    case "add":
      streams.set(
        message.stream,
        new RingStream(message.settings, {
          changed: (stream) => server.finish(stream),
          warning: (warning) => say({ type: "warning", warning }),
        }),
      );
      break;
    case "end-stream":
      streams.get(message.stream)?.end();
      break;
    case "drop":
      remove(message.stream);
      break;
    case "end":
      over = true;
      break;
  }
  bell.ring();
}

function listen(init: Extract<ToServeWorker, { type: "init" }>): void {
  bell = new Doorbell(init.bell);
  counters = new Float64Array(init.counters);
  try {
    server = new StreamServer({
      ...init.settings,
      realm: "Millrace",
      find: (path) => [...streams.values()].find((stream) => stream.path === path),
    });
  } catch (error) {
    const { name, message } = error as Error;
    say({ type: "failed", name, message });
    return self.close();
  }
  say({ type: "listening", port: server.port });
  void run();
}

/** A stream is over: its clients are told, and its ring is not read again. */
function remove(number: number): void {
  const stream = streams.get(number);
  streams.delete(number);
  if (stream) {
    stream.close();
    server.finish(stream);
  }
  say({ type: "over", stream: number });
}

async function run(): Promise<void> {
  const counting = setInterval(count, COUNTING);
  while (!over) {
    const seen = bell.count;
    let more = false;
    for (const [number, stream] of streams) {
      if (stream.pump()) more = true;
      else if (stream.over) remove(number);
    }
    // A feed that is always ahead would keep this thread in microtasks for ever, and its sockets would starve.
    if (more || bell.count !== seen) await new Promise((resolve) => setTimeout(resolve, 0));
    else await bell.waitAsync(seen, [...streams.values()].some((stream) => stream.isHeard) ? SOUND_PATIENCE : PATIENCE);
  }
  clearInterval(counting);
  for (const number of streams.keys()) remove(number);
  await server.close();
  count();
  say({ type: "closed" });
  self.close();
}

function count(): void {
  const { sessions, connections, refused } = server;
  const values: Record<typeof SERVER_COUNTERS[number], number> = { clients: sessions.size, connections, refused };
  SERVER_COUNTERS.forEach((name, i) => counters[i] = values[name]);
}
