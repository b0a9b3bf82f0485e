import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Progress } from "./progress.ts";

function recorded(terminal: boolean) {
  let time = 0, text = "";
  const progress = new Progress({ terminal, now: () => time, write: (more) => text += more });
  return { progress, wait: (ms: number) => time += ms, text: () => text };
}

Deno.test("Progress prints at most one plain line in three seconds, and the last one at the end", () => {
  const { progress, wait, text } = recorded(false);
  for (let i = 0; i <= 100; i++) {
    progress.show(i / 100, `step ${i}`);
    wait(100);
  }
  progress.end();
  const lines = text().trimEnd().split("\n");
  assertEquals(lines.map((line) => /step (\d+)/.exec(line)![1]), ["0", "30", "60", "90", "100"]);
  assertStringIncludes(lines[4], "[########################] 100 %  step 100  10 s");
  assert(!text().includes("\x1b"), "no control codes where there is no terminal");
});

Deno.test("Progress draws over its own line on a terminal, and takes it away", () => {
  const { progress, wait, text } = recorded(true);
  progress.show(0, "first");
  wait(10);
  progress.show(0.1, "too early");
  wait(100);
  progress.show(0.5, "second");
  progress.say("a line that stays");
  progress.end();
  assert(!text().includes("too early"));
  assert(text().endsWith("\r\x1b[2Ka line that stays\n"));
  assertEquals(text().match(/\n/g)?.length, 1);
});
