// Pure: no I/O.

/** One element. Namespaces are not kept apart: devices choose their prefixes as they like, and no two names here collide. */
export interface XmlElement {
  /** Without its prefix. */
  name: string;
  /** By name, without prefixes. */
  attributes: Map<string, string>;
  children: XmlElement[];
  /** Of the element itself, without that of its children. */
  text: string;
}

/** What a document may have at most; devices' answers have a hundredth of it. */
const MAX_CHARACTERS = 1 << 20;
const MAX_DEPTH = 64;
const MAX_ELEMENTS = 20_000;
const MAX_ATTRIBUTES = 64;

const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

/**
 * Reads an XML document as a device sends it: no document type and thereby no entities of its own, and bounded in size,
 * depth and number of elements.
 *
 * @throws {SyntaxError} where it is none of that.
 */
export function parseXml(document: string): XmlElement {
  if (document.length > MAX_CHARACTERS) {
    fail(`it has ${document.length} characters, at most ${MAX_CHARACTERS} are read`);
  }
  const root: XmlElement = { name: "", attributes: new Map(), children: [], text: "" };
  const open: XmlElement[] = [root];
  let elements = 0;
  for (let at = 0; at < document.length;) {
    const top = open[open.length - 1];
    const tag = document.indexOf("<", at);
    const text = document.slice(at, tag < 0 ? undefined : tag);
    if (open.length > 1) top.text += decodeEntities(text);
    if (tag < 0) break;
    if (document.startsWith("<!--", tag)) at = after(document, "-->", tag + 4);
    else if (document.startsWith("<![CDATA[", tag)) {
      at = after(document, "]]>", tag + 9);
      if (open.length > 1) top.text += document.slice(tag + 9, at - 3);
    } else if (document.startsWith("<?", tag)) at = after(document, "?>", tag + 2);
    else if (document.startsWith("<!", tag)) fail("it has a document type");
    else if (document.startsWith("</", tag)) {
      at = after(document, ">", tag + 2);
      const name = localName(document.slice(tag + 2, at - 1).trim());
      if (open.length === 1 || top.name !== name) fail(`</${name.slice(0, 64)}> closes nothing`);
      open.pop();
    } else {
      const end = endOfTag(document, tag + 1);
      const empty = document[end - 1] === "/";
      if (++elements > MAX_ELEMENTS) fail(`it has more than ${MAX_ELEMENTS} elements`);
      const element = readTag(document.slice(tag + 1, empty ? end - 1 : end));
      if (open.length === 1 && root.children.length > 0) fail("it has two roots");
      top.children.push(element);
      if (!empty && open.push(element) > MAX_DEPTH) fail(`it is deeper than ${MAX_DEPTH} elements`);
      at = end + 1;
    }
  }
  if (open.length > 1) fail(`<${open[open.length - 1].name.slice(0, 64)}> is not closed`);
  return root.children[0] ?? fail("it has no element");
}

/** The first element of a name below this one, however deep; undefined where there is none. */
export function find(element: XmlElement, name: string): XmlElement | undefined {
  for (const child of element.children) {
    const found = child.name === name ? child : find(child, name);
    if (found) return found;
  }
  return undefined;
}

/** All elements of a name below this one that are not within another of that name. */
export function findAll(element: XmlElement, name: string): XmlElement[] {
  return element.children.flatMap((child) => child.name === name ? [child] : findAll(child, name));
}

/** The text of the element that a path of names leads to, trimmed; empty where there is none. */
export function textOf(element: XmlElement | undefined, ...path: string[]): string {
  for (const name of path) element = element && find(element, name);
  return element?.text.trim() ?? "";
}

/** What is written for a text within an element. */
export function escapeXml(text: string): string {
  return text.replace(/[<>&"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
    // deno-lint-ignore no-control-regex -- XML has no way to say them.
    .replace(/[\0-\x08\x0b\x0c\x0e-\x1f]/g, "");
}

function fail(why: string): never {
  throw new SyntaxError(`Cannot read XML: ${why}`);
}

function after(document: string, what: string, from: number): number {
  const at = document.indexOf(what, from);
  return at < 0 ? fail(`${what} is missing`) : at + what.length;
}

/** Where the `>` of a tag is; one within quotes is none. */
function endOfTag(document: string, from: number): number {
  let quote = "";
  for (let at = from; at < document.length; at++) {
    const sign = document[at];
    if (quote !== "") quote = sign === quote ? "" : quote;
    else if (sign === '"' || sign === "'") quote = sign;
    else if (sign === ">") return at;
  }
  return fail("> is missing");
}

function readTag(inside: string): XmlElement {
  const name = /^[^\s/]+/.exec(inside)?.[0] ?? fail("a tag has no name");
  const attributes = new Map<string, string>();
  const pattern = /\s([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;
  pattern.lastIndex = name.length;
  for (let match = pattern.exec(inside); match && attributes.size < MAX_ATTRIBUTES; match = pattern.exec(inside)) {
    attributes.set(localName(match[1]), decodeEntities(match[2] ?? match[3]));
  }
  return { name: localName(name) || fail("a tag has no name"), attributes, children: [], text: "" };
}

function localName(name: string): string {
  return name.slice(name.indexOf(":") + 1);
}

function decodeEntities(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,4}));/gi, (all, decimal, hex, name) => {
    if (name !== undefined) return ENTITIES[name] ?? all;
    const code = decimal === undefined ? parseInt(hex, 16) : Number(decimal);
    return code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff) ? String.fromCodePoint(code) : "";
  });
}
