import { FFI_BUILD_PACKAGES } from "../ffi/build.ts";
import { CLIP_PACKAGES } from "../src/camera/clip.ts";
import { WASM_BUILD_PACKAGES } from "../wasm/configuration.ts";

/** A package of Debian, and what for. */
export interface NeededPackage {
  readonly name: string;
  readonly why: string;
}

/** What can be asked of the set-up. */
export type Want = "library" | "wasm" | "clip" | "tests" | "bench";

/** The packages that each of them needs. */
export const PACKAGES: Record<Want, readonly NeededPackage[]> = {
  library: FFI_BUILD_PACKAGES,
  wasm: WASM_BUILD_PACKAGES,
  clip: CLIP_PACKAGES,
  tests: [
    { name: "gir1.2-gst-rtsp-server-1.0", why: "an RTSP server of other people's, to test against" },
    { name: "gstreamer1.0-plugins-base", why: "its test picture" },
    { name: "gstreamer1.0-plugins-good", why: "its RTP" },
    { name: "gstreamer1.0-plugins-bad", why: "its parsers" },
    { name: "gstreamer1.0-plugins-ugly", why: "its H.264 encoder" },
    { name: "python3-gi", why: "drives it" },
    { name: "python3", why: "drives it, and reads a ring as a program of other people's would" },
    { name: "python3-numpy", why: "holds the frames that it reads" },
    { name: "ffmpeg", why: "makes test streams, and says what their frames must be" },
    { name: "binutils", why: "lists what the C library exports" },
    { name: "util-linux", why: "gives a test a /dev/shm of its own" },
    { name: "iproute2", why: "makes a test's own network bad" },
    { name: "openssl", why: "certificates of an authority of one's own" },
    { name: "procps", why: "tells of processes" },
  ],
  bench: [
    { name: "ffmpeg", why: "makes the streams that are measured" },
    { name: "libavcodec-dev", why: "the rival: native decoding" },
    { name: "libavformat-dev", why: "the rival: reading files" },
    { name: "libavutil-dev", why: "the rival: its basics" },
    { name: "libswscale-dev", why: "the rival: native scaling" },
    { name: "pkg-config", why: "finds the rival's libraries" },
  ],
};
