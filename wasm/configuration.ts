// Pure: no I/O.

/** The packages of Debian that building the module needs, and what for. */
export const WASM_BUILD_PACKAGES: readonly { readonly name: string; readonly why: string }[] = [
  { name: "emscripten", why: "compiles FFmpeg to WebAssembly" },
  { name: "make", why: "runs FFmpeg's build" },
  { name: "gcc", why: "compiles the generators of FFmpeg's tables, which run during the build" },
  { name: "libc6-dev", why: "has the headers that those generators are compiled against" },
  { name: "dpkg-dev", why: "unpacks FFmpeg's source package and applies Debian's patches" },
  { name: "xz-utils", why: "unpacks FFmpeg's source package" },
];

/** The source package that FFmpeg comes from; the system's own package sources say which version. */
export const FFMPEG_PACKAGE = "ffmpeg";

/** FFmpeg's parts that are built: nothing that reads files, opens sockets or starts threads. */
export const FFMPEG_CONFIGURE: readonly string[] = [
  "--target-os=none",
  "--arch=x86_32",
  "--disable-asm",
  "--enable-cross-compile",
  "--cc=emcc",
  "--cxx=em++",
  "--ar=emar",
  "--ranlib=emranlib",
  "--nm=llvm-nm",
  "--host-cc=cc",
  "--disable-everything",
  "--disable-programs",
  "--disable-doc",
  "--disable-avdevice",
  "--disable-avformat",
  "--disable-avfilter",
  "--disable-swresample",
  "--disable-network",
  "--disable-pthreads",
  "--disable-w32threads",
  "--disable-debug",
  "--disable-stripping",
  "--disable-autodetect",
  "--disable-runtime-cpudetect",
  "--enable-decoder=h264,hevc,mjpeg",
  "--enable-swscale",
  "--extra-cflags=-msimd128 -pthread",
  "--optflags=-O3",
];

/** Our kernels in SIMD and their headers, in the folder `kernels`. */
export const KERNELS: readonly string[] = [
  "simd.h",
  "kernels.h",
  "init.c",
  "cabac.h",
  "edge.c",
  "h264_fixed.h",
  "h264_chroma.c",
  "h264_deblock.c",
  "h264_idct.c",
  "h264_macroblock.c",
  "h264_qpel.c",
  "h264_residual.h",
  "h264_slice.c",
  "h264_strength.c",
  "h264_weight.c",
  "hevc_cabac.c",
  "hevc_deblock.c",
  "hevc_epel.c",
  "hevc_helper.c",
  "hevc_idct.c",
  "hevc_inter.h",
  "hevc_intra.c",
  "hevc_qpel.c",
  "hevc_sao.c",
  "hevc_strength.c",
  "resize.c",
  "resize.h",
  "resize_axis.c",
  "resize_colours.c",
  "resize_equal.c",
  "resize_pixels.h",
  "resize_rows.c",
  "scale.h",
  "scale_init.c",
  "scale_rows.c",
];

/** FFmpeg's initialisers of tables of kernels, whose calls go to `kernels/init.c`. */
export const WRAPPED: readonly string[] = [
  "ff_h264chroma_init",
  "ff_h264dsp_init",
  "ff_h264qpel_init",
  "ff_hevc_deblocking_boundary_strengths",
  "ff_hevc_dsp_init",
  "ff_hevc_hls_filter",
  "ff_hevc_hls_filters",
  "ff_hevc_pred_init",
  "ff_sws_init_scale",
  "ff_videodsp_init",
];

/** The static libraries that are linked, in the order that the linker wants. */
export const FFMPEG_LIBRARIES: readonly string[] = [
  "libavcodec/libavcodec.a",
  "libswscale/libswscale.a",
  "libavutil/libavutil.a",
];

/** Our own C files. `-pthread` is for atomics in a memory that other threads read; FFmpeg runs in one. */
export const BRIDGE_FLAGS: readonly string[] = [
  "-std=gnu11",
  "-O3",
  "-msimd128",
  "-mbulk-memory",
  "-pthread",
  "-Wall",
  "-Wextra",
  "-Wno-unused-parameter",
  "-Werror",
];

/** The parts of Emscripten's libc that are linked, for the build whose memory is shared. */
export const LIBC_LIBRARIES: readonly string[] = ["libc-mt.a", "libdlmalloc-mt.a", "libcompiler_rt-mt.a"];

/**
 * How the module is linked. The linker is called itself, and not through Emscripten, so that no runtime in JavaScript
 * comes with it: what libc asks of a system is answered in platform.c. The sizes are those of instance.ts.
 */
export const LINK_FLAGS: readonly string[] = [
  "--shared-memory",
  "--import-memory",
  "--no-entry",
  "--gc-sections",
  "--initial-memory=33554432",
  "--max-memory=2147483648",
  "-z",
  "stack-size=1048576",
  "--stack-first",
  "--export=__wasm_call_ctors",
  "--export=__stack_pointer",
  "--allow-undefined",
  "-mllvm",
  "-combiner-global-alias-analysis=false",
  ...WRAPPED.map((name) => `--wrap=${name}`),
];

/** What the finished module goes through; the features are those that the compiler used. */
export const OPTIMIZE_FLAGS: readonly string[] = [
  "-O3",
  "--enable-simd",
  "--enable-threads",
  "--enable-bulk-memory",
  "--enable-mutable-globals",
  "--enable-sign-ext",
  "--enable-nontrapping-float-to-int",
];
