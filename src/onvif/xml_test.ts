import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { escapeXml, find, findAll, parseXml, textOf } from "./xml.ts";

Deno.test("parseXml() reads elements, attributes, texts and what stands for signs, whatever their prefixes", () => {
  const root = parseXml(
    '\ufeff<?xml version="1.0"?><!-- <no> --><s:a xmlns:s="u" x=\'1 > 0\' s:y="&quot;&#65;&#x42;&amp;lt;">' +
      "one<b/>&lt;two&gt;<![CDATA[<c>&amp;]]><s:b >three</s:b><d><b>four</b></d>&unknown;&#0;&#xD800;</s:a >",
  );
  assertEquals(root.name, "a");
  assertEquals([...root.attributes], [["s", "u"], ["x", "1 > 0"], ["y", '"AB&lt;']]);
  assertEquals(root.text, "one<two><c>&amp;&unknown;");
  assertEquals(findAll(root, "b").map(({ text }) => text), ["", "three", "four"]);
  assertEquals([textOf(root, "d", "b"), textOf(root, "d", "z"), find(root, "z")], ["four", "", undefined]);
});

Deno.test("parseXml() refuses what is no XML, what has entities of its own, and what is too much", () => {
  const wrong: [string, string][] = [
    ["", "no element"],
    ["text", "no element"],
    ["<a>", "not closed"],
    ["<a", "> is missing"],
    ["<a x='>", "> is missing"],
    ["</a>", "closes nothing"],
    ["<a></b>", "closes nothing"],
    ["<a/><b/>", "two roots"],
    ["<a><!--", "--> is missing"],
    ["<a><![CDATA[", "]]> is missing"],
    ["<>", "no name"],
    ['<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "document type"],
    ["<a>".repeat(65), "deeper than 64"],
    [`<a>${"<b/>".repeat(20_000)}</a>`, "more than 20000"],
    [" ".repeat(2 ** 20 + 1), "characters"],
  ];
  for (const [document, says] of wrong) assertThrows(() => parseXml(document), SyntaxError, says);
});

Deno.test("parseXml() gives back what escapeXml() wrote, and takes any text without another error", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (text) => {
    const written = `<a b="${escapeXml(text)}">${escapeXml(text)}</a>`;
    // deno-lint-ignore no-control-regex -- what XML cannot say is left out
    const expected = text.replace(/[\0-\x08\x0b\x0c\x0e-\x1f]/g, "");
    const { attributes, text: read } = parseXml(written);
    assertEquals([attributes.get("b"), read], [expected, expected]);
  }));
  const part = fc.constantFrom(
    ..."< > </ /> <a> </a> <b x='1'> & &#1; &lt; <!-- --> <![CDATA[ ]]> <? ?> <!DOCTYPE = ' \"".split(" "),
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(part, fc.string())), (parts) => {
      try {
        assert(parseXml(parts.join("")).name.length > 0);
      } catch (error) {
        assert(error instanceof SyntaxError, String(error));
      }
    }),
    { numRuns: 5_000, examples: [[["<", ":", "/>"]]] },
  );
});

Deno.test("parseXml() takes a time that grows as the text does", () => {
  const long = 2 ** 20 - 100;
  const documents = [
    `<a ${"x ".repeat(long / 2)}/>`,
    `<a ${" ".repeat(long)}/>`,
    `<a ${"x".repeat(long)}/>`,
    `<a>${"&".repeat(long)}</a>`,
    `<a>${"&#1".repeat(long / 3)}</a>`,
    `<a>${"<b/>x".repeat(19_000)}</a>`,
  ];
  for (const document of documents) assertEquals(parseXml(document).name, "a");
});
