// Pure: no I/O.
import { ShmError } from "../media/mod.ts";
import { ERRNO, errnoName, errnoPhrase } from "../../ffi/errno.ts";

/** A failed call of the C library as an error that says what happened and what to do. */
export function shmError(
  action: string,
  result: number,
  more: { need?: number; free?: number; owner?: number } = {},
): ShmError {
  const errno = -result;
  switch (errno) {
    case ERRNO.ENOENT:
      return new ShmError("not-found", `${action}: there is no ring of that name; is its writer running?`, { errno });
    case ERRNO.EEXIST: {
      const who = more.owner ? `process ${more.owner}` : "a running program";
      return new ShmError("in-use", `${action}: ${who} has that name; choose another, or end it`, { errno });
    }
    case ERRNO.ENOSPC: {
      const { need = 0, free = 0 } = more;
      const message = `${action}: it takes ${mebibytes(need)}, and /dev/shm has ${mebibytes(free)} free; ` +
        "use fewer slots or smaller frames, or enlarge it (with Docker: --shm-size)";
      return new ShmError("full", message, { errno });
    }
    case ERRNO.EACCES:
    case ERRNO.EPERM:
      return new ShmError("permission", `${action}: its owner does not let this user at it`, { errno });
    case ERRNO.EINVAL:
      return new ShmError(
        "invalid",
        `${action}: it is no ring, or its name is none (1 to 200 characters, no slash, not beginning with a dot)`,
        { errno },
      );
    case ERRNO.EBADF:
      return new ShmError("closed", `${action}: it was closed`, { errno });
    default:
      return new ShmError("system", `${action}: ${errnoPhrase(errno)} (${errnoName(errno)})`, { errno });
  }
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
