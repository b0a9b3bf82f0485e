/** FFmpeg, which sends an MP4 file again and again to whoever listens, with a tone where it is given a port for that, and what it says of it. */
export async function startSender(
  path: string,
  host: string,
  port: number,
  tonePort = 0,
): Promise<{ sdp: string } & AsyncDisposable> {
  const sdp = await Deno.makeTempFile({ suffix: ".sdp" });
  const child = new Deno.Command("ffmpeg", {
    args: [
      ...["-loglevel", "error", "-re", "-stream_loop", "-1", "-i", path],
      ...(tonePort > 0 ? ["-re", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=8000"] : []),
      ...["-map", "0:v", "-c", "copy", "-f", "rtp", "-sdp_file", sdp, `rtp://${host}:${port}?pkt_size=1200`],
      ...(tonePort > 0 ? ["-map", "1:a", "-c:a", "pcm_alaw", "-f", "rtp", `rtp://${host}:${tonePort}`] : []),
    ],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  while (!(await Deno.readTextFile(sdp)).includes("rtpmap")) await new Promise((resolve) => setTimeout(resolve, 20));
  return {
    sdp,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
      await Deno.remove(sdp);
    },
  };
}
