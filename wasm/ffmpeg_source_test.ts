import { assertEquals } from "@std/assert";
import { systemSources } from "./ffmpeg_source.ts";

async function sourcesOf(files: Record<string, string>): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "millrace-sources-" });
  try {
    for (const [name, text] of Object.entries(files)) {
      await Deno.mkdir(`${folder}/${name}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    return await systemSources(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const suites = (text: string) => [...text.matchAll(/^Suites: (.*)$/gm)].flatMap(([, names]) => names.split(" "));

Deno.test("systemSources() asks Debian, with its security updates, where the system names no sources", async () => {
  const found = await sourcesOf({});
  assertEquals(suites(found), ["bookworm", "bookworm-updates", "bookworm-security"]);
  assertEquals([...found.matchAll(/^Types: (.*)$/gm)].map(([, type]) => type), ["deb-src", "deb-src"]);
});

Deno.test("systemSources() asks where the system's own packages come from, in both formats", async () => {
  const found = await sourcesOf({
    "sources.list":
      "# deb http://a.example old main\ndeb [signed-by=/key.gpg] http://b.example/debian bookworm main contrib\n",
    "sources.list.d/debian.sources": "Types: deb\nURIs: http://c.example/debian\nSuites: bookworm-security\n",
    "sources.list.d/other.sources": "Types: deb\nURIs: http://d.example/else\nSuites: stable\n",
  });
  assertEquals(suites(found), ["bookworm-security", "bookworm"]);
  assertEquals([...found.matchAll(/^(?:Types|URIs|Signed-By): (.*)$/gm)].map(([, value]) => value), [
    ...["deb-src", "http://c.example/debian"],
    ...["deb-src", "http://b.example/debian", "/key.gpg"],
  ]);
});
