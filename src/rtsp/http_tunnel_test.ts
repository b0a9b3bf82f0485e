import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Authenticator } from "./auth.ts";
import { HttpTunnel, type TunnelProgress } from "./http_tunnel.ts";
import { bytes, notRandom, text } from "./testing.ts";
import { parseRtspUrl } from "./url.ts";

function tunnel(password = "") {
  const authenticator = new Authenticator({ username: password && "viewer", password, random: notRandom });
  const url = parseRtspUrl("rtsp://cam:8080/axis-media/media.amp?videocodec=h264");
  return new HttpTunnel(url, { authenticator, userAgent: "Millrace", random: notRandom });
}

const CHALLENGE = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: ";

Deno.test("HttpTunnel asks for the stream's path in both directions, with one cookie (Axis)", () => {
  const opened = tunnel();
  const [get, post] = [text(opened.getRequest()), text(opened.postRequest())];
  assert(get.startsWith("GET /axis-media/media.amp?videocodec=h264 HTTP/1.0\r\nHost: cam:8080\r\n"), get);
  assert(post.startsWith("POST /axis-media/media.amp?videocodec=h264 HTTP/1.0\r\n"), post);
  const cookie = /x-sessioncookie: (\w+)/;
  assertEquals(cookie.exec(get)?.[1], cookie.exec(post)?.[1]);
  assertEquals(text(opened.encode(bytes("OPTIONS"))), "T1BUSU9OUw==");
});

Deno.test("HttpTunnel.receive() finds where RTSP begins, however the bytes are cut", () => {
  const answer = bytes("HTTP/1.0 200 OK\r\nContent-Type: application/x-rtsp-tunnelled\r\n\r\n$\0\0\x02ab");
  fc.assert(fc.property(fc.integer({ min: 1, max: answer.length }), (size) => {
    const opened = tunnel();
    opened.getRequest();
    let rest = "";
    for (let at = 0, open = false; at < answer.length; at += size) {
      const part = answer.subarray(at, at + size);
      const progress: TunnelProgress | null = open ? null : opened.receive(part);
      if (progress === null) rest += text(part);
      else if (progress.state === "open") [open, rest] = [true, text(progress.rest)];
      else assertEquals(progress.state, "more");
    }
    assertEquals(rest, "$\0\0\x02ab");
  }));
});

Deno.test("HttpTunnel.receive() answers a challenge once, for each method by itself", () => {
  const opened = tunnel("s3cret");
  const challenge = bytes(CHALLENGE + 'Digest realm="AXIS", nonce="1", qop="auth"\r\n\r\n');
  assertEquals(opened.receive(challenge).state, "again");
  const [get, post] = [text(opened.getRequest()), text(opened.postRequest())];
  const response = /response="(\w+)"/;
  assert(response.exec(get)![1] !== response.exec(post)![1] && post.includes("nc=00000002"));
  const refused = opened.receive(challenge);
  assert(refused.state === "failed" && refused.error.code === "unauthorized");
});

Deno.test("HttpTunnel.receive() says what is wrong", () => {
  for (
    const [answer, code, says] of [
      ["HTTP/1.1 404 Not Found\r\n\r\n", "transport", "answers GET with 404"],
      ["RTSP/1.0 200 OK\r\n\r\n", "transport", "answers GET with 200"],
      ["SSH-2.0-OpenSSH\r\n\r\n", "transport", "is not HTTP"],
      ["a".repeat(20_000), "transport", "does not end"],
      [CHALLENGE + 'Basic realm="x"\r\n\r\n', "unauthorized", "none were given"],
    ] as const
  ) {
    const progress = tunnel().receive(bytes(answer));
    if (progress.state !== "failed") throw new Error(`It is ${progress.state}`);
    assertEquals(progress.error.code, code);
    assert(progress.error.message.includes(says), progress.error.message);
  }
});

Deno.test("HttpTunnel.receive() survives any bytes", () => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 50 })), (parts) => {
    const opened = tunnel("s3cret");
    for (const part of parts) if (opened.receive(part).state !== "more") return;
  }));
});
