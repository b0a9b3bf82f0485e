import { formatTransport, type TransportSpec, transportSpec } from "../rtsp/mod.ts";
import type { ClientWriter } from "./client_writer.ts";
import { DatagramSender } from "./datagram_sender.ts";
import type { SendFormat } from "./send_format.ts";
import { type Disturbance, Viewer } from "./viewer.ts";

/** What a client's track is made of. */
export interface ClientTrackOptions {
  /** What the client asked for, and may have. */
  offer: TransportSpec;
  /** Where packets go over the connection if the client does not say. */
  channels: [number, number];
  format: SendFormat;
  writer: ClientWriter;
  /** Addresses of both ends. */
  local: string;
  peer: string;
  disturbance?: Disturbance;
  onControl: (bytes: Uint8Array) => void;
}

/** One track that a client has set up, and its packets' way there. */
export class ClientTrack {
  readonly viewer: Viewer;
  /** The Transport header that answers the client. */
  readonly transport: string;
  readonly #datagrams: DatagramSender | null = null;

  /** @throws {Deno.errors.AddrInUse} where there are no ports for it. */
  constructor(options: ClientTrackOptions) {
    const { offer, format, writer, disturbance, local, peer, onControl } = options;
    const channels = offer.protocol === "tcp" ? offer.interleaved ?? options.channels : null;
    const clientPort = offer.clientPort;
    const datagrams = this.#datagrams = channels
      ? null
      : new DatagramSender({ local, peer, clientPorts: clientPort!, onControl });
    const viewer = this.viewer = new Viewer({
      ...{ format, channels, disturbance },
      sink: {
        hasRoom: (bytes) => datagrams ? datagrams.hasRoom : writer.hasRoom(bytes),
        interleaved: (bytes) => writer.write(bytes),
        datagram: (kind, packet) => datagrams?.send(kind, packet),
      },
    });
    const { ssrc } = viewer;
    this.transport = formatTransport(
      channels
        ? transportSpec("tcp", { interleaved: channels, ssrc })
        : transportSpec("udp", { clientPort: clientPort!, serverPort: datagrams!.serverPorts, ssrc }),
    );
  }

  /** Whether packets of that channel are the client's reports of this track. */
  controls(channel: number): boolean {
    return channel === this.viewer.channels?.[1];
  }

  close(): void {
    this.#datagrams?.close();
  }
}
