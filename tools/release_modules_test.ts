import { assertEquals, assertThrows } from "@std/assert";
import { withFullSpecifiers } from "./release_modules.ts";

const text = `import { a } from "fruit";\nconst b = await import("fruit"), c = "fruit"; import d from "nut";\n`;
const at = (line: number, character: number, specifier: string) => ({
  specifier,
  start: { line, character },
  end: { line, character: character + specifier.length + 2 },
});

Deno.test("withFullSpecifiers() writes names out where they are imported, and nowhere else", () => {
  const bare = [at(0, 18, "fruit"), at(1, 23, "fruit"), at(1, text.split("\n")[1].indexOf(`"nut"`), "nut")];
  const full = withFullSpecifiers(text, bare, { fruit: "npm:fruit@1.2.3", nut: "npm:nut@4.0.0/mod.js" });
  assertEquals(
    full,
    `import { a } from "npm:fruit@1.2.3";\nconst b = await import("npm:fruit@1.2.3"), c = "fruit"; ` +
      `import d from "npm:nut@4.0.0/mod.js";\n`,
  );
});

Deno.test("withFullSpecifiers() refuses names that nothing explains, and places that are not theirs", () => {
  assertThrows(() => withFullSpecifiers(text, [at(0, 18, "fruit")], {}), Error, 'Nothing says what "fruit" is');
  assertThrows(() => withFullSpecifiers(text, [at(0, 17, "fruit")], { fruit: "npm:fruit@1" }), Error, "is not where");
});
