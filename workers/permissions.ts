// Pure: no I/O.

/** The kinds of threads that Millrace starts. */
export type WorkerKind = "ingest" | "tls" | "decode" | "helper" | "egress" | "serve" | "analysis";

/** Nothing at all, spelt out: a kind of permission that Deno adds later is named here before it is given. */
const NOTHING: Deno.PermissionOptionsObject = {
  env: false,
  ffi: false,
  import: false,
  net: false,
  read: false,
  run: false,
  sys: false,
  write: false,
};

/** What the permissions of a thread are about. */
export interface WorkerScope {
  /** Path of the C library, for the kinds that may call it. */
  library?: string;
  /** `host:port`, for the kind that listens; null: all that the program may reach. */
  net?: string | null;
}

/**
 * What each kind of thread may do. The ones that touch bytes of a camera after they left the socket, or run somebody's
 * code, may do nothing; those that move bytes in and out may call the one C library. The one that serves has the network alone.
 */
export const WORKER_PERMISSIONS: Record<WorkerKind, (scope: WorkerScope) => Deno.PermissionOptionsObject> = {
  ingest: ({ library = "" }) => ({ ...NOTHING, ffi: [library] }),
  tls: ({ library = "" }) => ({ ...NOTHING, ffi: [library] }),
  decode: () => NOTHING,
  helper: () => NOTHING,
  egress: ({ library = "" }) => ({ ...NOTHING, ffi: [library] }),
  serve: ({ net }) => ({ ...NOTHING, net: net ? [net] : net === null ? "inherit" : false }),
  analysis: () => NOTHING,
};
