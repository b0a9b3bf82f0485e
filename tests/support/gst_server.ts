/** A running RTSP server by GStreamer. */
export interface GstServer extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
}

/** Whether the system has GStreamer's RTSP server and the Python that drives it. */
export const HAS_GSTREAMER: boolean = (() => {
  try {
    const script = "import gi; gi.require_version('GstRtspServer', '1.0')";
    return new Deno.Command("/usr/bin/python3", { args: ["-c", script], stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
})();
if (!HAS_GSTREAMER) console.log("Skipping what needs GStreamer's RTSP server: gir1.2-gst-rtsp-server-1.0 is missing");

/** A live H.264 test picture, 640x360 at 25 frames a second, a keyframe a second. */
export const TEST_PICTURE =
  "( videotestsrc is-live=true pattern=ball ! video/x-raw,width=640,height=360,framerate=25/1 ! " +
  "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=25 bitrate=800 ! rtph264pay name=pay0 pt=96 )";

/** Starts a server on a free port of the loopback. */
export async function startGstServer(options: {
  launch?: string;
  user?: string;
  password?: string;
  auth?: "basic" | "digest";
  protocols?: "udp" | "tcp" | "udp+tcp" | "multicast";
  /** Path of a PEM file with a certificate and its key: the server takes TLS alone. */
  certificate?: string;
  port?: number;
} = {}): Promise<GstServer> {
  const args = [new URL("./gst_server.py", import.meta.url).pathname, "--launch", options.launch ?? TEST_PICTURE];
  if (options.user) args.push("--user", options.user, "--password", options.password ?? "");
  if (options.auth) args.push("--auth", options.auth);
  if (options.protocols) args.push("--protocols", options.protocols);
  if (options.certificate) args.push("--certificate", options.certificate);
  if (options.port) args.push("--port", String(options.port));
  const child = new Deno.Command("/usr/bin/python3", { args, stdout: "piped", stderr: "null" }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const port = Number((await reader.read()).value);
  if (!(port > 0)) throw new Error("GStreamer's RTSP server did not start");
  let ended = false;
  return {
    port,
    url: `${options.certificate ? "rtsps" : "rtsp"}://127.0.0.1:${port}/stream`,
    async [Symbol.asyncDispose]() {
      if (ended) return;
      ended = true;
      try {
        child.kill("SIGKILL");
      } catch {
        // It ended by itself; what it was needed for has failed then.
      }
      await child.status;
      await reader.cancel();
    },
  };
}
