import {
  type AnalysisMessage,
  type AnalysisSetup,
  encodeFrameHeader,
  EXIT_FLOOD,
  EXIT_MEMORY,
  FRAME_HEADER_BYTES,
  type FrameHeader,
} from "../../workers/analysis_protocol.ts";
import { AnalysisError } from "../media/mod.ts";
import { FloodGuard } from "./flood_guard.ts";
import { ChannelError, line, MessageReader, type ResultText } from "./message_reader.ts";

/** What is asked of a process of an analysis. */
export interface ProcessOptions {
  deno: string;
  args: string[];
  env: Record<string, string>;
  setup: AnalysisSetup;
  /** How messages call the analysis. */
  name: string;
  maxResultsPerSecond: number;
  maxResultBytes: number;
  /** Results and lines of the console, in the order they come. */
  onMessage(message: AnalysisMessage | ResultText): void;
}

/** Full-sized results a second that are taken; more bytes than that are a flood, whatever they are. */
const FULL_RESULTS = 32;
/** Bytes a second of messages beside the results (a line of the console, a frame done), whatever the results may be. */
const OTHER_BYTES = 1 << 20;
/** Messages a second beside results: one for each frame, and the console's. */
const OTHER_MESSAGES = 2000;
/** Bytes of the standard error that are kept, to see what a process died of. */
const TAIL_BYTES = 4096;

/** One process that analyses: its pipes, what it says, and how it ended. Whatever it writes, it costs this process little. */
export class AnalysisProcess {
  /** Settles when the process is gone and its pipes are closed: with what went wrong, or undefined where it was told to end. */
  readonly ended: Promise<AnalysisError | undefined>;
  /** Done when the module is loaded; never rejects, see `ended`. */
  readonly ready: Promise<void>;
  readonly #options: ProcessOptions;
  readonly #child: Deno.ChildProcess;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #header = new Uint8Array(FRAME_HEADER_BYTES);
  readonly #results: FloodGuard;
  readonly #messages = new FloodGuard(OTHER_MESSAGES);
  readonly #bytes: FloodGuard;
  readonly #loaded = Promise.withResolvers<void>();
  #isReady = false;
  #tail = "";
  #verdict: { error: AnalysisError | undefined } | null = null;
  #done: { sequence: number; resolve(): void } | null = null;

  constructor(options: ProcessOptions) {
    this.#options = options;
    this.#results = new FloodGuard(options.maxResultsPerSecond);
    this.#bytes = new FloodGuard(FULL_RESULTS * options.maxResultBytes + OTHER_BYTES);
    this.ready = this.#loaded.promise;
    this.#child = new Deno.Command(options.deno, {
      args: options.args,
      // Where this program reports its telemetry, the author's code could send whatever it likes there: no permission is asked.
      env: { ...options.env, NO_COLOR: "1", OTEL_DENO: "false" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#stdin = this.#child.stdin.getWriter();
    this.ended = this.#run();
    void this.#writeSetup(options.setup);
  }

  /** Whether the module is loaded. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** Sends a frame; resolves when the author's code is done with it. Not to be called again before that. */
  async analyze(header: FrameHeader, pixels: Uint8Array<ArrayBuffer>): Promise<void> {
    const done = Promise.withResolvers<void>();
    this.#done = { sequence: header.sequence, resolve: done.resolve };
    encodeFrameHeader(header, this.#header);
    await this.#write(this.#header);
    await this.#write(pixels);
    await done.promise;
  }

  /** Ends the process at once, whatever it is doing; the first verdict stands. Resolves when it is gone. */
  async end(error: AnalysisError | undefined): Promise<void> {
    this.#condemn(error);
    await this.ended;
  }

  #condemn(error: AnalysisError | undefined): void {
    if (this.#verdict) return;
    this.#verdict = { error };
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It is gone already.
    }
  }

  #fail(code: AnalysisError["code"], message: string): void {
    const { name } = this.#options;
    const start = code === "load" ? `Cannot load analysis ${name}` : `Analysis ${name}`;
    this.#condemn(new AnalysisError(code, code === "load" ? `${start}: ${message}` : `${start} ${message}`));
  }

  async #run(): Promise<AnalysisError | undefined> {
    const [status] = await Promise.all([this.#child.status, this.#readOutput(), this.#readErrors()]);
    // The pipe to a process that is gone: a write that waits there is rejected, and nobody is to hear of it.
    await this.#stdin.abort().catch(() => {});
    if (!this.#verdict) this.#judge(status);
    this.#loaded.resolve();
    this.#done?.resolve();
    return this.#verdict!.error;
  }

  /** What a process died of that nobody ended. */
  #judge(status: Deno.CommandStatus): void {
    const megabytes = Math.round(this.#options.setup.maxMemoryBytes / 2 ** 20);
    if (status.code === EXIT_MEMORY || /out of memory|allocation failed|memory allocation of/i.test(this.#tail)) {
      return this.#fail("memory", `outgrew its ${megabytes} MiB of memory`);
    }
    if (status.code === EXIT_FLOOD) return this.#fail("flood", "sent results faster than they could be read");
    const how = status.signal ? `by ${status.signal}` : `with exit code ${status.code}`;
    const said = line(this.#tail, 300);
    const why = `its process ended ${how}${said ? `: ${said}` : ""}`;
    if (this.#isReady) this.#fail("crashed", `crashed: ${why}`);
    else this.#fail("load", why);
  }

  async #readOutput(): Promise<void> {
    const reader = new MessageReader(this.#options.maxResultBytes);
    for await (const chunk of this.#child.stdout) {
      if (this.#verdict) continue;
      try {
        this.#count(chunk.length);
        for (const message of reader.push(chunk)) {
          if (this.#verdict) break;
          this.#take(message);
        }
      } catch (error) {
        if (!(error instanceof ChannelError)) throw error;
        if (error.code === "size") this.#fail("flood", `sent too large a result: ${error.message}`);
        else this.#fail("crashed", `crashed: ${error.message}`);
      }
    }
  }

  async #readErrors(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#child.stderr) {
      this.#tail = (this.#tail + decoder.decode(chunk, { stream: true })).slice(-TAIL_BYTES);
      if (!this.#verdict) this.#count(chunk.length);
    }
  }

  #count(bytes: number): void {
    if (this.#bytes.exceeds(bytes, performance.now())) {
      this.#fail("flood", `sent more than ${this.#bytes.perSecond} bytes in a second`);
    }
  }

  #take(message: AnalysisMessage | ResultText): void {
    const { maxResultsPerSecond, onMessage } = this.#options;
    if (message.type !== "result" && this.#messages.exceeds(1, performance.now())) {
      return this.#fail("flood", `sent more than ${OTHER_MESSAGES} messages in a second`);
    }
    switch (message.type) {
      case "ready":
        this.#isReady = true;
        return this.#loaded.resolve();
      case "done":
        if (this.#done?.sequence !== message.sequence) return;
        this.#done.resolve();
        this.#done = null;
        return;
      case "ended":
        return this.#fail(
          message.end.code,
          message.end.code === "load" ? message.end.message : `crashed: ${message.end.message}`,
        );
      case "result":
        if (this.#results.exceeds(1, performance.now())) {
          return this.#fail("flood", `sent more than ${maxResultsPerSecond} results in a second`);
        }
        return onMessage(message);
      case "console":
        return onMessage(message);
    }
  }

  async #writeSetup(setup: AnalysisSetup): Promise<void> {
    const json = new TextEncoder().encode(JSON.stringify(setup));
    const bytes = new Uint8Array(4 + json.length);
    new DataView(bytes.buffer).setUint32(0, json.length, true);
    bytes.set(json, 4);
    await this.#write(bytes);
  }

  /** Writes to the process; where it is gone, `ended` says so. */
  async #write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#stdin.write(bytes).catch(() => {});
  }
}
