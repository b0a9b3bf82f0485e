import { attack } from "./attack.ts";
import { victims } from "./parsers.ts";

/* deno run -A --v8-flags=--expose-gc program.ts PARSER BYTES SEED: one parser, and what came of it as JSON. */

const [name, bytes, seed] = Deno.args;
console.log(JSON.stringify(attack((await victims())[name], { bytes: Number(bytes), seed: Number(seed) })));
