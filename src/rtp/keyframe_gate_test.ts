import { assertEquals } from "@std/assert";
import { KeyframeGate } from "./keyframe_gate.ts";

Deno.test("KeyframeGate.admit() is shut until a whole keyframe, and after each loss", () => {
  const gate = new KeyframeGate();
  const admit = (keyframe: boolean, corrupt = false, discontinuity = false) =>
    gate.admit({ keyframe, leading: false, corrupt, discontinuity });
  assertEquals([admit(false), admit(true, true), admit(true), admit(false)], [false, false, true, true]);
  assertEquals([admit(false, false, true), admit(false), admit(true, false, true)], [false, false, true]);
  gate.shut();
  assertEquals([admit(false), gate.skipped], [false, 5]);
});

Deno.test("KeyframeGate.admit() holds back what leads the keyframe that opened it, and lets through what leads the next", () => {
  const gate = new KeyframeGate();
  const admit = (picture: "key" | "leading" | "trailing", discontinuity = false) =>
    gate.admit({ keyframe: picture === "key", leading: picture === "leading", corrupt: false, discontinuity });
  assertEquals([admit("key"), admit("leading"), gate.open, admit("trailing")], [true, false, true, true]);
  assertEquals([admit("key"), admit("leading")], [true, true]);
  assertEquals([admit("key", true), admit("leading"), admit("trailing")], [true, false, true], "after a loss");
  assertEquals(gate.skipped, 2);
});
