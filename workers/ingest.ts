/// <reference lib="deno.worker" />
import { now } from "../src/media/clock.ts";
import { Camera } from "./ingest/camera.ts";
import { loadLibrary } from "./ingest/native.ts";
import { Poller } from "./ingest/poller.ts";
import type { FromIngestWorker, ToIngestWorker } from "./ingest_protocol.ts";
import { Inbox } from "./mailbox.ts";

/*
 * The ingest worker: all RTSP sessions of the program in one loop around one wait. It may call the C library and nothing
 * else. The main thread wakes the wait when it has a message.
 */

/** Between two looks at the clock for every camera, in milliseconds. */
const TICK = 50;

const cameras = new Map<number, Camera>();
let inbox: Inbox;

function say(message: FromIngestWorker): void {
  self.postMessage(message);
}

self.onmessage = (event: MessageEvent<ToIngestWorker>) => {
  const message = event.data;
  if (message.type === "init") {
    inbox = new Inbox(message.count);
    const library = loadLibrary(message.library);
    poller = new Poller(library, message.poll);
    open = (camera, settings) =>
      new Camera(library, poller, settings, {
        described: (tracks, selected) => say({ type: "described", camera, tracks, selected }),
        state: (state, reason, since, transport) => say({ type: "state", camera, state, reason, since, transport }),
        failed: (error, retryAt) => say({ type: "failed", camera, error, retryAt }),
        closed: () => say({ type: "closed", camera }),
        warning: (warning) => say({ type: "warning", camera, warning }),
      });
    say({ type: "ready" });
    void run();
    return;
  }
  take(message);
  inbox.took();
};

let poller: Poller;
let open: (camera: number, settings: Extract<ToIngestWorker, { type: "open" }>["settings"]) => Camera;

function take(message: Exclude<ToIngestWorker, { type: "init" }>): void {
  const camera = cameras.get(message.camera);
  switch (message.type) {
    case "open":
      cameras.set(message.camera, open(message.camera, message.settings));
      break;
    case "addresses":
      camera?.setAddresses(message.addresses);
      break;
    case "bell":
      camera?.attach(message.bell, message.attached);
      break;
    case "close":
      camera?.close();
      break;
  }
}

async function run(): Promise<void> {
  let tickAt = 0;
  for (;;) {
    if (inbox.pending) await inbox.settle();
    const at = now();
    if (at >= tickAt) {
      tickAt = at + TICK;
      for (const [number, camera] of cameras) {
        camera.tick(at);
        if (camera.closed) cameras.delete(number);
      }
    }
    poller.wait(cameras.size === 0 ? 1_000 : Math.max(1, Math.ceil(tickAt - at)));
  }
}
