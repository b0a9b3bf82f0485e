/** Attempts to find two free neighbouring ports. */
const ATTEMPTS = 32;

/** Two UDP sockets on neighbouring ports, the even one for RTP. @see RFC 3550, 11 */
export interface UdpPorts {
  rtp: Deno.DatagramConn;
  rtcp: Deno.DatagramConn;
  rtpPort: number;
  close(): void;
}

/** @throws {Deno.errors.AddrInUse} where there are none. */
export function openUdpPorts(hostname: string): UdpPorts {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const first = Deno.listenDatagram({ transport: "udp", hostname, port: 0 });
    const { port } = first.addr as Deno.NetAddr;
    if (port % 2 !== 0 || port > 65_534) {
      first.close();
      continue;
    }
    try {
      const second = Deno.listenDatagram({ transport: "udp", hostname, port: port + 1 });
      return {
        rtp: first,
        rtcp: second,
        rtpPort: port,
        close() {
          first.close();
          second.close();
        },
      };
    } catch {
      first.close();
    }
  }
  throw new Deno.errors.AddrInUse("Cannot find two neighbouring UDP ports");
}
