import { assert, assertEquals } from "@std/assert";
import { attack } from "./attack.ts";
import { victims } from "./parsers.ts";

/** `deno task bench hostile` takes a hundred million of each. */
const BYTES = 400_000;

for (const [name, victim] of Object.entries(await victims())) {
  Deno.test(`nothing that comes from the network makes ${name} throw`, () => {
    const { exceptions, first, understood } = attack(victim, { bytes: BYTES, seed: 1 });
    assert(understood > 20, `it made sense of ${understood} things`);
    assertEquals([exceptions, first], [0, null]);
  });
}
