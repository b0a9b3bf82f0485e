import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { baseUrl, controlUrl } from "./control_url.ts";
import { parseRtspUrl, pathOf, redactUrl, resolveLocation } from "./url.ts";

const CASES: [url: string, username: string, password: string, host: string, port: number, href: string][] = [
  ["rtsp://cam.local/h264", "", "", "cam.local", 554, "rtsp://cam.local/h264"],
  ["rtsp://u:p@10.0.0.1:8554/a?b=1&c", "u", "p", "10.0.0.1", 8554, "rtsp://10.0.0.1:8554/a?b=1&c"],
  ["rtsp://u:p@ss@10.0.0.1/a", "u", "p@ss", "10.0.0.1", 554, "rtsp://10.0.0.1/a"],
  ["rtsp://u:p#1!^@10.0.0.1/a", "u", "p#1!^", "10.0.0.1", 554, "rtsp://10.0.0.1/a"],
  ["rtsp://u:a/b@10.0.0.1/a", "u", "a/b", "10.0.0.1", 554, "rtsp://10.0.0.1/a"],
  ["rtsp://u:a?b@10.0.0.1", "u", "a?b", "10.0.0.1", 554, "rtsp://10.0.0.1"],
  ["rtsp://u:a:b@10.0.0.1/", "u", "a:b", "10.0.0.1", 554, "rtsp://10.0.0.1/"],
  ["rtsp://u:p%40ss%2f@10.0.0.1/", "u", "p@ss/", "10.0.0.1", 554, "rtsp://10.0.0.1/"],
  ["rtsp://u:100%@10.0.0.1/", "u", "100%", "10.0.0.1", 554, "rtsp://10.0.0.1/"],
  ["rtsp://admin@10.0.0.1/", "admin", "", "10.0.0.1", 554, "rtsp://10.0.0.1/"],
  ["rtsp://h/p?mail=a@b", "", "", "h", 554, "rtsp://h/p?mail=a@b"],
  ["rtsp://h?mail=a@b", "", "", "h", 554, "rtsp://h/?mail=a@b"],
  ["RTSPS://[fe80::1%eth0]:322/x#frag", "", "", "fe80::1%eth0", 322, "rtsps://[fe80::1%eth0]:322/x"],
  ["rtsp://u:p@[::1]/x y", "u", "p", "::1", 554, "rtsp://[::1]/x%20y"],
];

for (const [url, username, password, host, port, href] of CASES) {
  Deno.test(`parseRtspUrl() reads ${url}`, () => {
    const found = parseRtspUrl(url);
    assertEquals([found.username, found.password, found.host, found.port, found.href], [
      username,
      password,
      host,
      port,
      href,
    ]);
    if (password !== "") assert(!redactUrl(url).includes(`:${password}@`), redactUrl(url));
  });
}

Deno.test("parseRtspUrl() takes any password of letters and signs in front of a plain host", () => {
  const password = fc.string({ minLength: 1, unit: fc.constantFrom(..."ab1@#!^&*?$+=;,:<>|~[]{}") });
  fc.assert(fc.property(password, (secret) => {
    const found = parseRtspUrl(`rtsp://user:${secret}@10.1.2.3:554/path`);
    assertEquals([found.username, found.password, found.host], ["user", secret, "10.1.2.3"]);
    assertEquals(redactUrl(`rtsp://user:${secret}@10.1.2.3:554/path`), "rtsp://user:***@10.1.2.3:554/path");
  }));
});

Deno.test("parseRtspUrl() refuses what is no address, without telling the password", () => {
  for (const url of ["http://h/", "h/path", "rtsp://", "rtsp:///x", "rtsp://u:secret@h:99999/", "rtsp://u:secret@/x"]) {
    const error = assertThrows(() => parseRtspUrl(url), SyntaxError) as unknown as Error;
    assert(!error.message.includes("secret"), error.message);
  }
});

Deno.test("redactUrl() finds passwords in queries, and leaves other text alone", () => {
  assertEquals(redactUrl("rtsp://h/a?user=me&password=x&c=1"), "rtsp://h/a?user=me&password=***&c=1");
  const said = 'Cannot open "http://h/a?password=s:c"; http://h/a?pwd=x: it is away';
  assertEquals(redactUrl(said), 'Cannot open "http://h/a?password=***"; http://h/a?pwd=***: it is away');
  assertEquals(redactUrl("no address"), "no address");
});

Deno.test("baseUrl() makes something of every Content-Base that cameras send", () => {
  const asked = parseRtspUrl("rtsp://u:p@cam:8554/live?x=1");
  for (
    const [header, base] of [
      ["rtsp://cam:8554/live/", "rtsp://cam:8554/live/"],
      ["rtsp://rtsp://192.168.1.7/live/", "rtsp://cam:8554/live/"],
      ["rtsp://::ffff:1.2.3.4/live/", "rtsp://cam:8554/live/"],
      ["10.0.0.9:554/live/", "rtsp://cam:8554/live/"],
      ["/live/", "rtsp://cam:8554/live/"],
      ["10.0.0.9:554", "rtsp://cam:8554/live?x=1"],
      [null, "rtsp://cam:8554/live?x=1"],
    ] as const
  ) {
    assertEquals(baseUrl(asked, header, null), base, `${header}`);
  }
  assertEquals(baseUrl(asked, null, "rtsp://a/other/"), "rtsp://cam:8554/other/");
});

Deno.test("controlUrl() joins as text, as cameras expect it", () => {
  const asked = parseRtspUrl("rtsp://cam/live");
  for (
    const [control, base, url] of [
      ["trackID=1", "rtsp://cam/live/", "rtsp://cam/live/trackID=1"],
      ["trackID=1", "rtsp://cam/live", "rtsp://cam/live/trackID=1"],
      ["/trackID=1", "rtsp://cam/live/", "rtsp://cam/live/trackID=1"],
      ["trackID=0", "rtsp://cam/r?channel=1&subtype=0", "rtsp://cam/r?channel=1&subtype=0/trackID=0"],
      ["*", "rtsp://cam/live/", "rtsp://cam/live/"],
      ["", "rtsp://cam/live/", "rtsp://cam/live/"],
      ["rtsp://10.0.0.9:554/live/track1?c=h264", "rtsp://cam/live/", "rtsp://cam/live/track1?c=h264"],
      ["?ctype=video", "rtsp://cam/live", "rtsp://cam/live?ctype=video"],
    ]
  ) {
    assertEquals(controlUrl(control, base, asked), url);
  }
});

Deno.test("resolveLocation() and pathOf() survive any text", () => {
  const asked = parseRtspUrl("rtsp://cam/live");
  assertEquals(resolveLocation("rtsp://u:p@other/x", asked), "rtsp://other/x");
  assertEquals(resolveLocation("/x", asked), "rtsp://cam/x");
  assertEquals(resolveLocation("http://x", asked), null);
  fc.assert(fc.property(fc.string(), (text) => {
    resolveLocation(text, asked);
    assert(!/[\r\n\0]/.test(controlUrl(text, baseUrl(asked, text, text), asked)));
    assertEquals(typeof pathOf(text), "string");
    redactUrl(text);
  }));
});
