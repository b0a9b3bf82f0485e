/** A port of the loopback that nothing listens on, as far as one can know. */
export function freePort(hostname = "127.0.0.1"): number {
  using listener = Deno.listen({ hostname, port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

/** An even port that nobody takes datagrams on, for RTP. */
export function freeMediaPort(): number {
  for (;;) {
    const socket = Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: 0 });
    const { port } = socket.addr as Deno.NetAddr;
    socket.close();
    if (port % 2 === 0) return port;
  }
}
