/// <reference lib="deno.worker" />
import { now } from "../src/media/clock.ts";
import { Camera } from "./ingest/camera.ts";
import type { CameraEvents } from "./ingest/camera_events.ts";
import { brokenError } from "./ingest/connect_error.ts";
import { loadLibrary, type NativeLibrary } from "./ingest/native.ts";
import { Poller } from "./ingest/poller.ts";
import { SdpSource } from "./ingest/sdp_source.ts";
import { type CameraSettings, type FromIngestWorker, recordOf, type ToIngestWorker } from "./ingest_protocol.ts";
import { Inbox } from "./mailbox.ts";

/*
 * The ingest worker: all RTSP sessions of the program in one loop around one wait. It may call the C library and nothing
 * else. The main thread wakes the wait when it has a message, and closes the handle of the wait to end the thread: Deno
 * cannot end a thread that does not come back to its event loop.
 */

/** Between two looks at the clock for every camera, in milliseconds. */
const TICK = 50;
/** The same where every camera waits for its next attempt, or plays and has nothing to wait for. */
const RESTING_TICK = 250;
/** What is up so shortly before such a look has it then, rather than wake for it. */
const EARLY = 50;
/** With this many cameras there always are packets; they are let gather for so many milliseconds, which saves a fifth of what they cost. */
const CROWD = 16;
const GATHERING = 4;
/** Milliseconds of sleep without cameras. */
const IDLE = 1_000;

const cameras = new Map<number, Camera | SdpSource>();
let sockets: { library: NativeLibrary; poller: Poller };
let inbox: Inbox;
/** What nobody ever wakes. */
const nobody = new Int32Array(new SharedArrayBuffer(4));

function say(message: FromIngestWorker): void {
  self.postMessage(message);
}

// Elsewhere this is loaded for the cache alone: see spawn.ts.
if (self.name === "millrace-ingest") {
  self.onmessage = (event: MessageEvent<ToIngestWorker>) => {
    const message = event.data;
    if (message.type === "init") {
      inbox = new Inbox(message.count);
      const library = loadLibrary(message.library);
      sockets = { library, poller: new Poller(library, message.poll) };
      say({ type: "ready" });
      void run();
      return;
    }
    take(message);
    inbox.took();
  };
}

function take(message: Exclude<ToIngestWorker, { type: "init" }>): void {
  const camera = cameras.get(message.camera);
  try {
    switch (message.type) {
      case "open":
        cameras.set(message.camera, open(message.camera, message.settings));
        break;
      case "addresses":
        if (camera instanceof Camera) camera.setAddresses(message.addresses);
        break;
      case "moved":
        if (camera instanceof Camera) camera.moved(message.to);
        break;
      case "bell":
        camera?.setBell(message.number, message.bell, message.wish);
        break;
      case "close":
        camera?.close();
        break;
    }
  } catch (error) {
    if (camera) return camera.broken(error);
    if (message.type !== "open") return;
    const broken = recordOf(brokenError(message.settings.url, error));
    say({ type: "failed", camera: message.camera, error: broken, retryAt: null });
    say({ type: "closed", camera: message.camera });
  }
}

function open(camera: number, settings: CameraSettings): Camera | SdpSource {
  const events: CameraEvents = {
    described: (tracks, selected) => say({ type: "described", camera, tracks, selected }),
    info: (info) => say({ type: "info", camera, info }),
    beside: (kind, condition) => say({ type: "beside", camera, kind, condition }),
    state: (state, reason, since, transport) => say({ type: "state", camera, state, reason, since, transport }),
    failed: (error, retryAt) => say({ type: "failed", camera, error, retryAt }),
    closed: () => say({ type: "closed", camera }),
    warning: (warning) => say({ type: "warning", camera, warning }),
    moving: (url) => say({ type: "moving", camera, url }),
    secure: (to) => say({ type: "secure", camera, ...to }),
  };
  return settings.sdp ? new SdpSource(sockets, settings, settings.sdp, events) : new Camera(sockets, settings, events);
}

async function run(): Promise<void> {
  let tickAt = 0, rests = false;
  try {
    for (;;) {
      if (inbox.pending) await inbox.settle();
      const at = now();
      // A clock that was set back must not keep anyone waiting.
      if (at >= tickAt - (rests ? EARLY : 0) || tickAt - at > RESTING_TICK) {
        rests = true;
        sockets.poller.hurried = false;
        for (const [number, camera] of cameras) {
          camera.tick(at);
          if (camera.closed) cameras.delete(number);
          else rests &&= camera.rests;
        }
        tickAt = at + (rests ? RESTING_TICK : TICK);
      } else if (rests && sockets.poller.hurried) {
        rests = false;
        tickAt = Math.min(tickAt, at + TICK);
      }
      if (!sockets.poller.wait(cameras.size === 0 ? IDLE : Math.max(1, Math.ceil(tickAt - at)))) break;
      if (cameras.size >= CROWD) Atomics.wait(nobody, 0, 0, GATHERING);
    }
  } finally {
    // Handles belong to the process: what this thread opened would outlive it.
    for (const camera of cameras.values()) camera.abandon();
  }
  self.close();
}
