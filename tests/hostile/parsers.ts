import { FlvClientSession, WebCredentials } from "../../src/flv/mod.ts";
import { RtspError, type VideoCodec } from "../../src/media/mod.ts";
import {
  AudioReceiver,
  buildBye,
  buildReceiverReport,
  buildSenderReport,
  DataReceiver,
  parseRtcp,
  RtpPacketView,
  VideoReceiver,
} from "../../src/rtp/mod.ts";
import { parseRtspUrl, parseSdp, RtspClientSession, RtspParser, spropSets, tracksOf } from "../../src/rtsp/mod.ts";
import type { Mutator } from "./mutate.ts";
import { FLV_HEADER } from "../support/flv_server.ts";
import { AUDIO, CODECS, dialogues, packetsOf, tags } from "./seeds.ts";

/** Something that takes what others send. */
export interface Victim {
  /** What it takes when nobody means it ill. */
  seeds: readonly Uint8Array[];
  /** One that takes bytes, over and over, and says whenever it made sense of some. */
  make(mutator: Mutator, understood: () => void): (bytes: Uint8Array<ArrayBuffer>) => void;
}

const URL = parseRtspUrl("rtsp://cam.example/live");
/** Where every receiver begins anew, so that states after any length of abuse are seen, and first ones as well. */
const LIFETIME = 5_000;
/** Milliseconds between two packets, by the clock that receivers are told. */
const STEP = 3;
/** Of one access unit. */
const MAX_UNIT = 4 << 20;

const utf8 = new TextDecoder(), encoder = new TextEncoder();

function sdp(_: Mutator, understood: () => void): (bytes: Uint8Array) => void {
  return (bytes) => {
    const description = parseSdp(utf8.decode(bytes));
    for (const { parameters, codec } of tracksOf(description, { base: "", asked: URL, codecs: CODECS })) {
      spropSets(parameters["sprop-parameter-sets"] ?? "");
      if (codec !== null) understood();
    }
  };
}

/** A parser that lives until it gives up, as a connection does. */
function rtsp(_: Mutator, understood: () => void): (bytes: Uint8Array) => void {
  let over = true;
  let parser: RtspParser;
  const sink = {
    request: understood,
    response: understood,
    interleaved: understood,
    fault: (error: RtspError) => {
      if (!(error instanceof RtspError)) throw error;
      over = true;
    },
  };
  return (bytes) => {
    if (over) parser = new RtspParser(sink);
    over = false;
    parser.receive(bytes);
    if (parser.heldBytes > 2 << 20) throw new RangeError(`a parser holds ${parser.heldBytes} bytes`);
  };
}

/** A session that goes on until it ends by itself, or has lived long. */
function session(mutator: Mutator, understood: () => void): (bytes: Uint8Array) => void {
  let left = 0, at = 0, current: RtspClientSession;
  return (bytes) => {
    at += 20;
    if (left-- <= 0 || current.state === "ended") {
      left = mutator.below(60);
      current = new RtspClientSession(URL, {
        username: "viewer",
        password: "s3cret",
        transport: mutator.below(2) === 0 ? "tcp" : "auto",
        random: (into) => into.fill(7),
        onMedia: () => {},
      });
      current.start(at);
    }
    current.receive(bytes, at);
    current.tick(at);
    while (current.outgoing() !== null);
    for (const event of current.events()) {
      if (event.type === "described") understood();
      if (event.type === "udp-ports") current.udpPorts(event.track, 5000, 5001, at);
    }
  };
}

function rtcp(_: Mutator, understood: () => void): (bytes: Uint8Array) => void {
  return (bytes) => {
    const { packets } = parseRtcp(bytes, 0, bytes.length);
    if (packets.length > bytes.length) throw new RangeError("there are more packets than bytes");
    if (packets.length > 0) understood();
  };
}

interface Receiver {
  packet(data: Uint8Array, start: number, end: number, now: number): void;
  tick(now: number): void;
  control(data: Uint8Array, start: number, end: number, now: number): void;
  report(now: number): Uint8Array;
}

/** Packets whose heads are mostly those of a stream, so that what is behind them is reached. */
function received(make: (onUnit: OnUnit) => Receiver): Victim["make"] {
  return (mutator, understood) => {
    let left = 0, at = 1e12, sequence = 0, timestamp = 0, receiver: Receiver;
    const onUnit = judged(understood);
    return (bytes) => {
      if (left-- <= 0) {
        left = mutator.below(LIFETIME);
        receiver = make(onUnit);
      }
      at += STEP;
      if (bytes.length >= 12 && mutator.below(32) > 0) {
        bytes[0] = bytes[0] & 0x3f | 0x80;
        if (mutator.below(4) > 0) bytes[0] = 0x80;
        bytes[1] = bytes[1] & 0x80 | 96;
        if (mutator.below(3) === 0) timestamp += 3600;
        // Now and then some are lost, or come late.
        sequence += mutator.below(50) === 0 ? mutator.below(9) - 4 : 1;
        const view = new DataView(bytes.buffer, bytes.byteOffset);
        view.setUint16(2, sequence);
        view.setUint32(4, timestamp);
        view.setUint32(8, 0x5eed);
      }
      receiver.packet(bytes, 0, bytes.length, at);
      receiver.tick(at);
      if (mutator.below(500) === 0) receiver.report(at);
    };
  };
}

const COMMON = { clockRate: 90_000, payloadType: 96, reportSsrc: 1, cname: "hostile" };

type OnUnit = (unit: { data: Uint8Array; pts: number }) => void;

/** Looks whether what comes out is within what was let in. */
function judged(understood: () => void): OnUnit {
  return ({ data, pts }) => {
    understood();
    if (!Number.isSafeInteger(pts)) throw new RangeError(`a unit's time is ${pts}`);
    if (data.length > MAX_UNIT) throw new RangeError(`a unit has ${data.length} bytes`);
  };
}

/** A session of FLV that goes on until it ends by itself, or has lived long. */
function flv(mutator: Mutator, understood: () => void): (bytes: Uint8Array) => void {
  // Without a configuration pictures are passed over.
  const configurations = tags().filter((tag) => (tag[11] & 0x80 ? tag[11] & 0x0f : tag[12]) === 0);
  let left = 0, at = 0, current: FlvClientSession;
  return (bytes) => {
    at += STEP;
    if (left-- <= 0 || current.state === "ended") {
      left = mutator.below(LIFETIME);
      const credentials = new WebCredentials({
        username: "viewer",
        password: "s3cret",
        random: (into) => into.fill(7),
      });
      const timeouts = { responseTimeout: 1e4, firstPacketTimeout: 1e4, idleTimeout: 1e4 };
      current = new FlvClientSession("http://cam.example/flv", { ...timeouts, credentials, onMedia: understood });
      current.start(at);
      current.receive(encoder.encode("HTTP/1.1 200 OK\r\n\r\n"), at);
      current.receive(FLV_HEADER, at);
      current.receive(configurations[mutator.below(configurations.length)], at);
    }
    // What is behind a tag's head is reached where that says how long it is.
    if (bytes.length >= 15 && mutator.below(64) > 0) {
      bytes[0] = 9;
      bytes[1] = 0;
      bytes[2] = bytes.length - 15 >> 8;
      bytes[3] = bytes.length - 15;
    }
    current.receive(bytes, at);
    current.tick(at);
    while (current.outgoing() !== null);
    for (let more = true; more;) more = current.events().length > 0;
  };
}

/** Packets as they come: nothing of their heads is put right. */
function rtp(_: Mutator, understood: () => void): (bytes: Uint8Array) => void {
  const view = new RtpPacketView(), onUnit = judged(() => {});
  let receiver = videoReceiver("h264", onUnit), left = LIFETIME, at = 1e12;
  return (bytes) => {
    if (view.parse(bytes) === null) {
      understood();
      if (view.payloadStart > view.payloadEnd || view.payloadEnd > bytes.length) {
        throw new RangeError("a payload lies outside of its packet");
      }
    }
    if (left-- <= 0) {
      receiver = videoReceiver("h264", onUnit);
      left = LIFETIME;
    }
    receiver.packet(bytes, 0, bytes.length, at += STEP);
    receiver.tick(at);
  };
}

function videoReceiver(codec: VideoCodec, onUnit: OnUnit): VideoReceiver {
  return new VideoReceiver({ ...COMMON, codec, policy: "deliver-corrupt", maxUnitBytes: MAX_UNIT, onUnit });
}

const data = (onUnit: OnUnit) => new DataReceiver({ ...COMMON, encoding: "VND.ONVIF.METADATA", onUnit });
const reports = [
  buildSenderReport({ ssrc: 0x5eed, unixMs: 1.7e12, rtpTimestamp: 90_000, packets: 7, octets: 9000, cname: "cam" }),
  buildReceiverReport({ ssrc: 1, cname: "a longer name of somebody", blocks: [] }),
  buildBye({ ssrc: 0x5eed, cname: "cam" }),
];

/** Every parser of what comes from the network. */
export async function victims(): Promise<Record<string, Victim>> {
  const words = await dialogues();
  const media = packetsOf("h264");
  const framed = media.slice(0, 8).map((packet) =>
    new Uint8Array([0x24, 0, packet.length >> 8, packet.length & 0xff, ...packet])
  );
  const all: Record<string, Victim> = {
    sdp: { seeds: words.descriptions.map((text) => encoder.encode(text)), make: sdp },
    rtsp: { seeds: [...words.messages.map((text) => encoder.encode(text)), ...framed], make: rtsp },
    session: { seeds: [...words.messages.map((text) => encoder.encode(text)), ...framed], make: session },
    rtp: { seeds: media, make: rtp },
    rtcp: { seeds: reports, make: rtcp },
  };
  for (const codec of CODECS) {
    all[codec] = {
      seeds: packetsOf(codec),
      make: received((onUnit) => videoReceiver(codec, onUnit)),
    };
  }
  for (const { name, seeds, ...format } of AUDIO) {
    all[name] = { seeds, make: received((onUnit) => new AudioReceiver({ ...COMMON, ...format, onUnit })) };
  }
  all.flv = { seeds: tags(), make: flv };
  all.metadata = { seeds: packetsOf("metadata"), make: received(data) };
  return all;
}
