// Pure: no I/O.

/**
 * Every function of the C library, its parameters written as millrace.h declares them. A test compares the two, and the
 * types below make Deno's description and TypeScript's signature out of this one table.
 */
export const DECLARATIONS = {
  mr_abi: ["uint32_t"],
  mr_close: ["int32_t", "int32_t handle"],
  mr_monotonic_ns: ["int32_t", "int64_t *out"],

  mr_resolve: ["int32_t", "const char *host", "uint32_t port", "int32_t family", "uint8_t *out", "uint32_t cap"],
  mr_tcp_connect: ["int32_t", "const uint8_t *address"],
  mr_tcp_status: ["int32_t", "int32_t handle"],
  mr_tcp_listen: ["int32_t", "const uint8_t *address", "int32_t backlog"],
  mr_accept: ["int32_t", "int32_t handle", "uint8_t *peer"],
  mr_stream_pair: ["int32_t", "int32_t *handles"],
  mr_recv: ["int32_t", "int32_t handle", "uint8_t *into", "uint32_t len"],
  mr_tcp_gather: ["int32_t", "int32_t handle", "uint32_t bytes"],
  mr_send: ["int32_t", "int32_t handle", "const uint8_t *from", "uint32_t len"],
  mr_local: ["int32_t", "int32_t handle", "uint8_t *out"],
  mr_peer: ["int32_t", "int32_t handle", "uint8_t *out"],

  mr_udp_pair: [
    "int32_t",
    "const uint8_t *bind",
    "int32_t receive_buffer",
    "int32_t *handles",
    "int32_t *ports",
    "int32_t *got_buffer",
  ],
  mr_udp_open: ["int32_t", "const uint8_t *bind", "int32_t receive_buffer", "int32_t *got_buffer"],
  mr_udp_connect: ["int32_t", "int32_t handle", "const uint8_t *address"],
  mr_udp_join: [
    "int32_t",
    "int32_t handle",
    "const uint8_t *group",
    "uint32_t interface_index",
    "const uint8_t *source",
  ],
  mr_udp_leave: [
    "int32_t",
    "int32_t handle",
    "const uint8_t *group",
    "uint32_t interface_index",
    "const uint8_t *source",
  ],
  mr_udp_recv_many: [
    "int32_t",
    "int32_t handle",
    "uint8_t *into",
    "uint32_t slot_bytes",
    "uint32_t max",
    "int32_t *lens",
    "uint8_t *peers",
  ],
  mr_udp_send: ["int32_t", "int32_t handle", "const uint8_t *from", "uint32_t len", "const uint8_t *address"],
  mr_udp_dropped: ["int32_t", "int32_t handle", "uint32_t *out"],

  mr_poll_new: ["int32_t"],
  mr_poll_set: ["int32_t", "int32_t poll", "int32_t handle", "uint32_t events", "uint32_t tag"],
  mr_poll_wait: ["int32_t", "int32_t poll", "int32_t timeout_ms", "uint32_t *tags", "uint32_t *events", "uint32_t cap"],
  mr_poll_wake: ["int32_t", "int32_t poll"],

  mr_shm_create: ["int32_t", "uint64_t bytes", "uint32_t mode"],
  mr_shm_publish: ["int32_t", "int32_t handle", "const char *name"],
  mr_shm_chown: ["int32_t", "int32_t handle", "uint32_t user", "uint32_t group"],
  mr_shm_replace: ["int32_t", "int32_t handle", "int32_t other", "const char *name"],
  mr_shm_unpublish: ["int32_t", "int32_t handle", "const char *name"],
  mr_clean_on_signals: ["int32_t"],
  mr_shm_open: ["int32_t", "const char *name", "uint32_t writable"],
  mr_shm_size: ["int32_t", "int32_t handle", "uint64_t *out"],
  mr_shm_owner: ["int32_t", "int32_t handle"],
  mr_shm_same: ["int32_t", "int32_t handle", "const char *name"],
  mr_shm_unlink: ["int32_t", "const char *name"],
  mr_shm_reap: ["int32_t", "const char *name"],
  mr_shm_list: ["int32_t", "char *out", "uint32_t cap"],
  mr_shm_readers: [
    "int32_t",
    "const char *names",
    "uint32_t len",
    "uint32_t *readers",
    "uint32_t cap",
    "uint32_t *unseen",
  ],
  mr_shm_room: ["int32_t", "uint64_t *free_out", "uint64_t *total_out"],

  mr_mem_load32: ["int32_t", "int32_t handle", "double offset", "uint32_t *out"],
  mr_mem_store32: ["int32_t", "int32_t handle", "double offset", "uint32_t value"],
  mr_mem_load64: ["int32_t", "int32_t handle", "double offset", "uint64_t *out"],
  mr_mem_store64: ["int32_t", "int32_t handle", "double offset", "const uint64_t *value"],
  mr_mem_fence: ["int32_t"],
  mr_mem_read: ["int32_t", "int32_t handle", "uint64_t offset", "uint8_t *into", "uint64_t len"],
  mr_mem_write: ["int32_t", "int32_t handle", "uint64_t offset", "const uint8_t *from", "uint64_t len"],
  mr_mem_address: ["int32_t", "int32_t handle", "uint64_t *out"],
  mr_mem_read_rows: [
    "int32_t",
    "int32_t handle",
    "uint64_t offset",
    "uint32_t stride",
    "uint8_t *buffer",
    "uint64_t buffer_bytes",
    "uint64_t buffer_offset",
    "uint32_t buffer_stride",
    "uint32_t row_bytes",
    "uint32_t rows",
  ],
  mr_mem_write_rows: [
    "int32_t",
    "int32_t handle",
    "uint64_t offset",
    "uint32_t stride",
    "const uint8_t *buffer",
    "uint64_t buffer_bytes",
    "uint64_t buffer_offset",
    "uint32_t buffer_stride",
    "uint32_t row_bytes",
    "uint32_t rows",
  ],
  mr_mem_wait: ["int32_t", "int32_t handle", "uint64_t offset", "uint32_t expected", "int32_t timeout_ms"],
  mr_shm_wait: [
    "int32_t",
    "int32_t handle",
    "uint64_t offset",
    "uint32_t expected",
    "int32_t timeout_ms",
    "const uint32_t *stop",
  ],
  mr_mem_notify: ["int32_t", "int32_t handle", "double offset"],
  mr_mem_wait_many: [
    "int32_t",
    "const int32_t *handles",
    "const uint64_t *offsets",
    "const uint32_t *expected",
    "uint32_t count",
    "int32_t timeout_ms",
  ],

  mr_ring_write: [
    "int32_t",
    "int32_t handle",
    "const uint8_t *request",
    "const uint8_t *part0",
    "const uint8_t *part1",
    "const uint8_t *part2",
    "const uint8_t *part3",
    "const uint8_t *blob",
  ],
  mr_ring_read: [
    "int32_t",
    "int32_t handle",
    "uint8_t *block",
    "uint8_t *into",
    "double len",
    "int32_t timeout_ms",
  ],

  mr_sem_open: ["int32_t", "const char *name", "uint32_t create", "uint32_t mode", "uint32_t value"],
  mr_sem_post: ["int32_t", "int32_t handle"],
  mr_sem_wait: ["int32_t", "int32_t handle", "int32_t timeout_ms"],
  mr_sem_trywait: ["int32_t", "int32_t handle"],
  mr_sem_value: ["int32_t", "int32_t handle"],
  mr_sem_unlink: ["int32_t", "const char *name"],

  mr_valkka_create: [
    "int32_t",
    "int32_t side",
    "const char *name",
    "uint32_t kind",
    "uint32_t cells",
    "uint64_t cell_bytes",
    "uint32_t mode",
  ],
  mr_valkka_open: [
    "int32_t",
    "const char *name",
    "uint32_t kind",
    "uint32_t cells",
    "uint64_t cell_bytes",
    "uint32_t foreign",
    "uint64_t *found",
  ],
  mr_valkka_push: [
    "int32_t",
    "int32_t handle",
    "const uint8_t *meta",
    "const uint8_t *slot",
    "const uint8_t *buffer",
    "uint64_t buffer_bytes",
    "uint64_t buffer_offset",
    "uint32_t stride",
    "uint32_t row_bytes",
    "uint32_t rows",
  ],
  mr_valkka_pull: ["int32_t", "int32_t handle", "uint32_t latest", "uint8_t *meta", "uint8_t *into", "uint64_t len"],
  mr_valkka_wait: ["int32_t", "int32_t handle", "int32_t timeout_ms"],
  mr_valkka_read: ["int32_t", "int32_t handle", "uint64_t offset", "uint8_t *into", "uint64_t len"],
  mr_valkka_counts: ["int32_t", "int32_t handle", "uint64_t *out"],
  mr_valkka_live: ["int32_t", "int32_t handle"],
  mr_valkka_remove: ["int32_t", "int32_t handle"],
  mr_valkka_clear: ["int32_t", "const char *name", "uint32_t from", "uint32_t to"],
  mr_valkka_server: ["int32_t", "const char *name", "uint32_t from", "uint32_t to"],

  mr_select_new: ["int32_t"],
  mr_select_ring: [
    "int32_t",
    "int32_t select",
    "int32_t memory",
    "uint64_t offset",
    "uint32_t expected",
    "uint32_t tag",
  ],
  mr_select_valkka: ["int32_t", "int32_t select", "int32_t ring", "uint32_t tag"],
  mr_select_name: ["int32_t", "int32_t select", "const char *name", "uint32_t tag"],
  mr_select_arm: ["int32_t", "int32_t select", "uint32_t tag", "uint32_t expected"],
  mr_select_remove: ["int32_t", "int32_t select", "uint32_t tag"],
  mr_select_wait: ["int32_t", "int32_t select", "int32_t timeout_ms", "uint32_t *tags", "uint32_t cap"],
  mr_select_wake: ["int32_t", "int32_t select"],

  mr_event_fds_new: ["int32_t", "const char *path", "uint32_t mode"],
  mr_event_fds_serve: ["int32_t", "int32_t handle", "int32_t timeout_ms"],
  mr_event_fds_counts: ["int32_t", "int32_t handle", "uint64_t *out"],
} as const;

/**
 * The functions that block, a second time as `<name>_async`: they run on one of Deno's 32 threads for such calls and give a promise. Each
 * call occupies a thread until it returns, so a wait should be short, or one for many.
 */
export const BLOCKING = [
  "mr_resolve",
  "mr_poll_wait",
  "mr_mem_wait",
  "mr_shm_wait",
  "mr_mem_wait_many",
  "mr_sem_wait",
  "mr_valkka_wait",
  "mr_select_wait",
  "mr_event_fds_serve",
] as const;

/** The version of the interface that this table describes: MR_ABI in millrace.h. */
export const ABI = 1;
/** Bytes of an address. */
export const ADDRESS_BYTES = 24;
/** Bits for `mr_poll_set` and from `mr_poll_wait`, and the tag of a wake. */
export const POLL_IN = 1;
export const POLL_OUT = 2;
export const POLL_ERROR = 4;
export const POLL_WOKEN = 0xffffffff;

/** What Deno passes for each C type; every pointer is a caller's buffer. */
const NATIVE = { int32_t: "i32", uint32_t: "u32", uint64_t: "u64", double: "f64" } as const;

type Declarations = typeof DECLARATIONS;
type Name = keyof Declarations;

/** A buffer that C reads or writes during the call: any view of bytes, shared memory too; `null` where the header allows it. */
export type NativeBuffer = ArrayBufferView<ArrayBufferLike> | ArrayBufferLike | null;

type Argument<C extends string> = C extends `${string}*${string}` ? NativeBuffer
  : C extends `uint64_t ${string}` ? number | bigint
  : number;
type Arguments<P extends readonly string[]> = { [I in keyof P]: Argument<P[I]> };
type ParametersOf<N extends Name> = Declarations[N] extends readonly [string, ...infer P extends readonly string[]]
  ? Arguments<P>
  : never;

/** The library's functions as TypeScript calls them: results below zero are negated error numbers. */
export type NativeSymbols =
  & { readonly [N in Name]: (...parameters: ParametersOf<N>) => number }
  & {
    readonly [N in typeof BLOCKING[number] as `${N}_async`]: (...parameters: ParametersOf<N>) => Promise<number>;
  };

function nativeType(declaration: string): Deno.NativeType {
  if (declaration.includes("*")) return "buffer";
  const type = declaration.split(" ")[0];
  if (!(type in NATIVE)) throw new TypeError(`Cannot describe the C type "${type}"`);
  return NATIVE[type as keyof typeof NATIVE];
}

/** The table in the form that `Deno.dlopen` takes. */
export function foreignInterface(names: readonly string[] = Object.keys(DECLARATIONS)): Deno.ForeignLibraryInterface {
  const table: Record<string, Deno.ForeignFunction> = {};
  for (const name of names) {
    const [result, ...parameters] = DECLARATIONS[name as Name];
    const description = { name, parameters: parameters.map(nativeType), result: nativeType(result) };
    table[name] = description;
    if ((BLOCKING as readonly string[]).includes(name)) table[`${name}_async`] = { ...description, nonblocking: true };
  }
  return table;
}

/**
 * A string as C wants it: UTF-8 with a zero byte behind it.
 *
 * @throws {TypeError} where the text itself has a zero byte, at which C would end it.
 */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  if (text.includes("\0")) throw new TypeError("Cannot pass a text with a zero byte to C");
  return new TextEncoder().encode(text + "\0");
}
