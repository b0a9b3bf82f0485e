import { assertEquals } from "@std/assert";
import { startAnalysis } from "../../src/analysis/mod.ts";
import { AnalysisError } from "../../src/media/mod.ts";
import type { Attempts, Targets } from "./fixtures/reaches_out.ts";
import { WitnessedCamera } from "./camera.ts";

Deno.test("an analyzer reaches no file, network, environment, process, library or device", async () => {
  const folder = await Deno.makeTempDir();
  const secret = `${folder}/secret.json`;
  await Deno.writeTextFile(secret, '{"password":"1234"}');
  let visits = 0;
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, () => {
    visits++;
    return new Response("export {}", { headers: { "content-type": "text/javascript" } });
  });
  const targets: Targets = {
    secret,
    folder,
    own: new URL("./fixtures/counts.ts", import.meta.url).pathname,
    port: server.addr.port,
    pid: Deno.pid,
  };
  await using camera = await WitnessedCamera.start();
  await using analysis = await startAnalysis<Attempts>(new URL("./fixtures/reaches_out.ts", import.meta.url), {
    input: camera.frames.branch(),
    permissions: "none",
    parameters: targets,
  });
  for await (const outcomes of analysis) {
    const reached = Object.entries(outcomes).filter(([, outcome]) => outcome.startsWith("got: "));
    assertEquals(reached, []);
    assertEquals(Object.keys(outcomes).length > 35, true);
    break;
  }
  await camera.more(5);
  const { pushed, times } = await camera.finish();
  assertEquals(times.length, pushed, "the witness lost frames");
  assertEquals(visits, 0);
  assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["secret.json"]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("an analyzer's static imports end at its own folder", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.mkdir(`${folder}/module`);
  await Deno.writeTextFile(`${folder}/secret.json`, '{"password":"1234"}');
  const module = `${folder}/module/steals.ts`;
  await Deno.writeTextFile(
    module,
    `import secret from "../secret.json" with { type: "json" };\nexport default () => secret;\n`,
  );
  await using camera = await WitnessedCamera.start();
  const start = () =>
    startAnalysis(new URL(`file://${module}`), { input: camera.frames.branch(), permissions: "none" }).then(
      () => "started",
      (error: unknown) => error,
    );
  const error = await start();
  if (!(error instanceof AnalysisError)) throw new Error(`expected an AnalysisError, got ${error}`);
  assertEquals(error.code, "load");
  assertEquals(error.message.includes(`${folder}/secret.json`), true, error.message);
  assertEquals(error.message.includes("\n"), false);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("an analyzer reports no telemetry where its program does", async () => {
  let reports = 0;
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
    await request.arrayBuffer();
    reports++;
    return new Response();
  });
  const variables = {
    OTEL_DENO: "true",
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${server.addr.port}`,
    OTEL_BSP_SCHEDULE_DELAY: "20",
  };
  for (const [name, value] of Object.entries(variables)) Deno.env.set(name, value);
  try {
    await using camera = await WitnessedCamera.start();
    await using analysis = await startAnalysis(new URL("./fixtures/reports_telemetry.ts", import.meta.url), {
      input: camera.frames.branch(),
      permissions: "none",
    });
    let results = 0;
    for await (const _ of analysis) if (++results === 10) break;
  } finally {
    for (const name of Object.keys(variables)) Deno.env.delete(name);
  }
  assertEquals(reports, 0);
});
