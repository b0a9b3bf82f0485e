import { RtspHeaders, RtspParser, type RtspRequest, serializeResponse } from "../../src/rtsp/mod.ts";

/** What a scripted server answers; null: nothing, ever. */
export type Script = (request: RtspRequest) =>
  | { status: number; reason?: string; headers?: [string, string][]; body?: string }
  | null;

/** An RTSP server on a free port of the loopback that says what a test has it say. */
export function startScriptedServer(script: Script): { url: string; requests: RtspRequest[] } & AsyncDisposable {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const requests: RtspRequest[] = [];
  const open = new Set<Deno.TcpConn>();
  const serving = (async () => {
    for await (const connection of listener) {
      open.add(connection);
      void serve(connection, script, requests).finally(() => open.delete(connection));
    }
  })().catch(() => {});
  return {
    url: `rtsp://127.0.0.1:${(listener.addr as Deno.NetAddr).port}/stream`,
    requests,
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const connection of open) close(connection);
      await serving;
    },
  };
}

async function serve(connection: Deno.TcpConn, script: Script, requests: RtspRequest[]): Promise<void> {
  const answers: Uint8Array[] = [];
  const parser = new RtspParser({
    request(request) {
      requests.push(request);
      const answer = script(request);
      if (!answer) return;
      const headers = new RtspHeaders([["CSeq", request.headers.get("CSeq") ?? "0"], ...answer.headers ?? []]);
      const body = answer.body === undefined ? undefined : new TextEncoder().encode(answer.body);
      answers.push(serializeResponse({ status: answer.status, reason: answer.reason, headers, body }));
    },
    response() {},
    interleaved() {},
    fault() {},
  });
  const buffer = new Uint8Array(4096);
  try {
    for (let count = await connection.read(buffer); count !== null; count = await connection.read(buffer)) {
      parser.receive(buffer.slice(0, count));
      for (const answer of answers.splice(0)) await connection.write(answer);
    }
  } catch {
    // The other end is gone, or the test is over.
  }
  close(connection);
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // closed already
  }
}
