import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Authenticator } from "./auth.ts";
import { AuthVerifier, type ServerScheme } from "./auth_verifier.ts";
import { digestResponse, parseAuthHeader } from "./digest.ts";
import { notRandom } from "./testing.ts";

const client = (username = "user", password = "pass") => new Authenticator({ username, password, random: notRandom });

Deno.test("digestResponse() computes the examples of RFC 2617 and RFC 7616", () => {
  const common = {
    username: "Mufasa",
    method: "GET",
    uri: "/dir/index.html",
    qop: "auth",
    nonceCount: "00000001",
  } as const;
  assertEquals(
    digestResponse({
      ...common,
      algorithm: "MD5",
      session: false,
      realm: "testrealm@host.com",
      password: "Circle Of Life",
      nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093",
      cnonce: "0a4f113b",
    }),
    "6629fae49393a05397450978507c4ef1",
  );
  const newer = {
    ...common,
    session: false,
    realm: "http-auth@example.org",
    password: "Circle of Life",
    nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
    cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
  };
  assertEquals(digestResponse({ ...newer, algorithm: "MD5" }), "8ca523f5e9506fed4657c9700eebdbec");
  assertEquals(
    digestResponse({ ...newer, algorithm: "SHA-256" }),
    "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
  );
});

Deno.test("Authenticator answers the strongest of several challenges (Hikvision sends Basic as well)", () => {
  const basic = 'Basic realm="c"',
    md5 = 'Digest realm="c", nonce="1"',
    sha = 'Digest realm="c", nonce="2", algorithm=SHA-256';
  const answer = (headers: string[]) => {
    const authenticator = client();
    assert(authenticator.challenge(headers));
    return authenticator.authorize("OPTIONS", "rtsp://a")!;
  };
  assert(answer([basic, sha, md5]).includes('nonce="2"'));
  assert(answer([`${md5}, ${basic}`]).includes('nonce="1"'));
  assertEquals(answer([basic]), "Basic dXNlcjpwYXNz");
  assert(!answer([md5]).includes("algorithm"), "what was not named is not sent");
  assertEquals(client().challenge(['Digest realm="c", nonce="1", qop="auth-int"', "Negotiate"]), false);
  assertEquals(client("", "").challenge([md5]), false);
});

Deno.test("Authenticator.challenge() is worth another try once for each nonce", () => {
  const authenticator = client();
  const challenge = (nonce: string, more = "") =>
    authenticator.challenge([`Digest realm="c", nonce="${nonce}"${more}`]);
  assert(challenge("a"));
  authenticator.authorize("PLAY", "rtsp://a");
  assertEquals(challenge("a"), false, "refused with this nonce");
  assert(challenge("a", ", stale=TRUE"));
  authenticator.authorize("PLAY", "rtsp://a");
  assert(challenge("b"), "cameras forget their nonces and do not say so");
});

for (const scheme of ["SHA-256", "MD5", "Basic"] as ServerScheme[]) {
  Deno.test(`AuthVerifier takes what Authenticator answers with ${scheme}`, () => {
    const verifier = new AuthVerifier({
      realm: 'a "camera"',
      password: (user) => user === "user" ? "pä:ss" : null,
      schemes: [scheme],
      random: notRandom,
      nonceLifetime: 1000,
    });
    const verify = (authorization: string | null, now = 0) => verifier.verify({ method: "PLAY", authorization }, now);
    const good = client("user", "pä:ss"), wrong = client("user", "pass"), other = client("other", "pä:ss");
    const challenges = verifier.challenges(0);
    for (const one of [good, wrong, other]) assert(one.challenge(challenges));
    assertEquals(verify(null), "missing");
    const first = good.authorize("PLAY", "rtsp://a/b");
    assertEquals(verify(first), "ok");
    assertEquals(verify(good.authorize("PLAY", "rtsp://a/b")), "ok");
    assertEquals(verify(wrong.authorize("PLAY", "rtsp://a/b")), "denied");
    assertEquals(verify(other.authorize("PLAY", "rtsp://a/b")), "denied");
    if (scheme === "Basic") return;
    assertEquals(verify(first), "stale", "the same count a second time");
    assertEquals(verify(good.authorize("PAUSE", "rtsp://a/b")), "denied", "another method was signed");
    assertEquals(verify(good.authorize("PLAY", "rtsp://a/b"), 2000), "stale");
    assert(good.challenge(verifier.challenges(2000, true)));
    assertEquals(verify(good.authorize("PLAY", "rtsp://a/b"), 2001), "ok");
  });
}

Deno.test("AuthVerifier.verify() takes the old form without qop, and survives any header", () => {
  const verifier = new AuthVerifier({ realm: "c", password: () => "p", schemes: ["MD5"], random: notRandom });
  const nonce = /nonce="(\w+)"/.exec(verifier.challenges(0)[0])![1];
  const old = client("u", "p");
  old.challenge([`Digest realm="c", nonce="${nonce}"`]);
  assertEquals(verifier.verify({ method: "PLAY", authorization: old.authorize("PLAY", "rtsp://a") }, 0), "ok");
  fc.assert(fc.property(fc.constantFrom("", "Basic ", "Digest "), fc.string(), (scheme, rest) => {
    assertEquals(verifier.verify({ method: "PLAY", authorization: scheme + rest }, 0), "denied");
    client().challenge([scheme + rest]);
  }));
});

Deno.test("parseAuthHeader() reads several schemes, escapes and values without quotes", () => {
  const [first, second, ...rest] = parseAuthHeader(
    'Digest realm="a \\"b\\", c", nonce=x, qop="auth,auth-int", Basic realm=IP Camera',
  );
  assertEquals([first.scheme, ...first.parameters.values()], ["digest", 'a "b", c', "x", "auth,auth-int"]);
  assertEquals([second.scheme, second.parameters.get("realm"), rest.length], ["basic", "IP", 0]);
  assertEquals(parseAuthHeader("Basic dTpwPQ==")[0].token, "dTpwPQ==");
});
