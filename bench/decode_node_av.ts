import { type RivalRun, serveRival } from "./package_rival.ts";

/*
 * The rival of decode.ts without a sandbox: the package node-av, which calls a native FFmpeg in the program's own process.
 * Neither the library nor its tests import this file.
 */

/** Not a literal where it is imported, so that who only checks types does not download 200 MB. */
const PACKAGE = "npm:node-av@6.1.1/lib";
const AVMEDIA_TYPE_VIDEO = 0;

interface Owner {
  alloc(): void;
  unref(): void;
}
interface Packet extends Owner {
  readonly streamIndex: number;
  free(): void;
}
interface Parameters {
  readonly codecType: number;
  readonly codecId: number;
}
interface FormatContext {
  openInputSync(path: string): number;
  findStreamInfoSync(): number;
  readonly streams: { index: number; codecpar: Parameters }[];
  readFrameSync(packet: Packet): number;
  closeInputSync(): void;
}
interface CodecContext {
  threadCount: number;
  allocContext3(codec: unknown): void;
  parametersToContext(parameters: Parameters): number;
  open2Sync(codec: unknown): number;
  sendPacketSync(packet: Packet | null): number;
  receiveFrameSync(frame: Owner): number;
  freeContext(): void;
}
/** What of the package is used. */
interface NodeAv {
  FormatContext: new () => FormatContext;
  CodecContext: new () => CodecContext;
  Packet: new () => Packet;
  Frame: new () => Owner;
  Codec: { findDecoder(id: number): unknown };
}

function checked(result: number, what: string): number {
  if (result < 0) throw new Error(`node-av gave ${result} for ${what}`);
  return result;
}

/** One thread, access units in memory, no promise for each of them. */
async function load(): Promise<(path: string) => Promise<RivalRun>> {
  const av = await import(PACKAGE) as NodeAv;
  return (path) => {
    const input = new av.FormatContext();
    checked(input.openInputSync(path), "openInput");
    checked(input.findStreamInfoSync(), "findStreamInfo");
    const { index, codecpar } = input.streams.find(({ codecpar }) => codecpar.codecType === AVMEDIA_TYPE_VIDEO)!;
    const packets: Packet[] = [];
    for (;;) {
      const packet = new av.Packet();
      packet.alloc();
      if (input.readFrameSync(packet) < 0) break;
      if (packet.streamIndex === index) packets.push(packet);
    }
    const codec = av.Codec.findDecoder(codecpar.codecId);
    const decoder = new av.CodecContext();
    decoder.allocContext3(codec);
    checked(decoder.parametersToContext(codecpar), "parametersToContext");
    decoder.threadCount = 1;
    checked(decoder.open2Sync(codec), "open2");
    const frame = new av.Frame();
    frame.alloc();
    let frames = 0;
    const receive = () => {
      for (; decoder.receiveFrameSync(frame) >= 0; frames++) frame.unref();
    };
    const began = performance.now();
    for (const packet of packets) {
      checked(decoder.sendPacketSync(packet), "sendPacket");
      receive();
    }
    checked(decoder.sendPacketSync(null), "sendPacket");
    receive();
    const seconds = (performance.now() - began) / 1000;
    decoder.freeContext();
    for (const packet of packets) packet.free();
    input.closeInputSync();
    return Promise.resolve({ frames, seconds });
  };
}

serveRival(load);
