import { assert, assertEquals } from "@std/assert";
import { type Content, LiveTable } from "../../src/cli/demo/live_table.ts";
import { Terminal } from "./terminal.ts";

function onTerminal(content: () => Content, size = { columns: 40, rows: 10 }) {
  const terminal = new Terminal();
  terminal.write("before\n");
  const screen = { live: true, size, write: (text: string) => terminal.write(text) };
  return { terminal, table: new LiveTable(screen, content), size };
}

Deno.test("LiveTable.draw() draws over what it drew, also where there is less", () => {
  const content = { table: ["NAME  RATE", "yard  25.0"], notes: ["a camera is offline"] };
  const { terminal, table } = onTerminal(() => content);
  using _ = table;
  assertEquals(terminal.lines, ["before", "NAME  RATE", "yard  25.0", "a camera is offline", ""]);
  content.table = ["NAME  RATE", "yard  5"];
  content.notes = [];
  table.draw();
  assertEquals(terminal.lines, ["before", "NAME  RATE", "yard  5", ""]);
  content.notes = ["one", "two"];
  table.draw();
  assertEquals(terminal.lines, ["before", "NAME  RATE", "yard  5", "one", "two", ""]);
});

Deno.test("LiveTable.draw() cuts the table, and goes on with a note in the next line", () => {
  const note = "camera 1: nothing listens on port 554 of that host; check the port";
  const { terminal, table } = onTerminal(() => ({ table: ["X".repeat(60)], notes: [note] }));
  using _ = table;
  table.draw();
  const [, cut, ...pieces] = terminal.lines;
  assertEquals(cut, "X".repeat(39));
  assertEquals(pieces.slice(0, -1).join(" "), note);
  assert(pieces.every((piece) => piece.length < 40));
});

Deno.test("LiveTable.draw() draws no more than a terminal has room for, for that could not be drawn over", () => {
  const { terminal, table, size } = onTerminal(() => ({
    table: Array.from({ length: 20 }, (_, i) => `row ${i}`),
    notes: [],
  }));
  using _ = table;
  table.draw();
  assertEquals(terminal.lines.length, 1 + size.rows);
});

Deno.test("LiveTable.erase() leaves nothing on the screen", () => {
  const { terminal, table } = onTerminal(() => ({ table: ["a", "b"], notes: ["c"] }));
  table.erase();
  assertEquals(terminal.lines, ["before", ""]);
});

Deno.test("LiveTable.draw() writes plain lines where there is no terminal", () => {
  let said = "";
  const screen = { live: false, size: { columns: 10, rows: 2 }, write: (text: string) => void (said += text) };
  using table = new LiveTable(screen, () => ({ table: ["a long line of a table"], notes: ["and a note"] }));
  assertEquals(said, "", "nothing is known yet");
  table.draw();
  assertEquals(said, "a long line of a table\nand a note\n");
});
