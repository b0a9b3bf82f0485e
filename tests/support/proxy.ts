/** A TCP relay that can stop relaying, as a cable does that is pulled: both ends stay connected, nothing passes. */
export function startProxy(port: number): { port: number; pull(): void } & AsyncDisposable {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.TcpConn>();
  let pulled = false;
  const relay = async (from: Deno.TcpConn, to: Deno.TcpConn) => {
    const buffer = new Uint8Array(65_536);
    try {
      for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
        if (!pulled) await write(to, buffer.subarray(0, count));
      }
      close(to);
    } catch {
      close(to);
    }
  };
  const serving = (async () => {
    for await (const near of listener) {
      const far = await Deno.connect({ hostname: "127.0.0.1", port });
      open.add(near).add(far);
      void relay(near, far);
      void relay(far, near);
    }
  })().catch(() => {});
  return {
    port: (listener.addr as Deno.NetAddr).port,
    pull: () => pulled = true,
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const connection of open) close(connection);
      await serving;
    },
  };
}

async function write(to: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // closed already
  }
}
