import { assertEquals, assertRejects } from "@std/assert";
import { refuseDeniedNet, requestNet } from "./net_permission.ts";

Deno.test("requestNet() passes what was allowed, by name, by address and by port", {
  permissions: { net: ["cam.local", "192.0.2.1:554", "[2001:db8::1]:554"] },
}, async () => {
  await requestNet("cam.local", 554);
  await requestNet("cam.local", 8554);
  await requestNet("192.0.2.1", 554);
  await requestNet("2001:db8::1", 554);
});

Deno.test("requestNet() refuses as Deno.connect does, naming the flag that is missing", {
  permissions: { net: ["cam.local:554"] },
}, async () => {
  for (const [hostname, port, place] of [["cam.local", 555, "cam.local:555"], ["::1", 9, "[::1]:9"]] as const) {
    const ours = await assertRejects(() => requestNet(hostname, port), Deno.errors.NotCapable);
    const denos = await assertRejects(() => Deno.connect({ hostname, port }), Deno.errors.NotCapable);
    assertEquals(ours.message, `Requires net access to "${place}", run again with --allow-net=${place}`);
    assertEquals(denos.message, `Requires net access to "${place}", run again with the --allow-net flag`);
  }
});

Deno.test("refuseDeniedNet() lets a permitted name lead to an address that nobody named", {
  permissions: { net: ["localhost"] },
}, async () => {
  await requestNet("localhost", 9);
  await refuseDeniedNet("localhost", "127.0.0.1", 9);
});

Deno.test("refuseDeniedNet() refuses an address that is denied, as Deno does after resolving", async () => {
  const script = `
    import { refuseDeniedNet, requestNet } from ${JSON.stringify(new URL("./net_permission.ts", import.meta.url).href)};
    await requestNet("localhost", 9);
    for (const attempt of [
      () => refuseDeniedNet("localhost", "127.0.0.1", 9),
      () => Deno.connect({ hostname: "localhost", port: 9 }),
    ]) await attempt().then(() => console.log("passed"), (error) => console.log(error.name + ": " + error.message));`;
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/main.ts`, script);
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--no-config", "--allow-net", "--deny-net=127.0.0.1,[::1]", `${folder}/main.ts`],
    }).output();
    const [ours, denos] = new TextDecoder().decode(stdout).trim().split("\n");
    assertEquals(
      ours,
      'NotCapable: Requires net access to "127.0.0.1:9", to which "localhost" resolves: ' +
        "that address is denied to this program",
    );
    assertEquals(denos.split(":")[0], "NotCapable");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
