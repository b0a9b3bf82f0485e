import { PROJECT } from "./setup.ts";
import { impurities, intruders, type SourceFile } from "./rooms.ts";

/* deno run -A tools/check_rooms.ts: says which file breaks the table of rooms, or its word that it does no I/O. */

const files: SourceFile[] = [];
for (const folder of ["src", "workers", "ffi", "wasm"]) await collect(folder);
const faults = files.flatMap((file) => [...impurities(file), ...intruders(file)]);
faults.forEach((fault) => console.error(fault));
if (faults.length > 0) Deno.exit(1);
console.log(`${files.length} files keep to their rooms.`);

async function collect(folder: string): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(`${PROJECT}/${folder}`)) {
    const path = `${folder}/${name}`;
    if (isDirectory) await collect(path);
    // Tests, and what only they share, may reach anywhere.
    else if (/\.ts$/.test(name) && !/_test\.ts$|^testing\.ts$/.test(name)) {
      files.push({ path, text: await Deno.readTextFile(`${PROJECT}/${path}`) });
    }
  }
}
