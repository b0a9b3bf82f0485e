// Pure: no I/O.

/** Linux's error numbers that the library returns, and each in words that end a sentence. */
const ERRORS: Record<number, readonly [name: string, phrase: string]> = {
  1: ["EPERM", "that is not permitted"],
  2: ["ENOENT", "there is nothing of that name"],
  4: ["EINTR", "a signal interrupted it"],
  5: ["EIO", "the system could not read or write"],
  6: ["ENXIO", "there is no such device"],
  7: ["E2BIG", "there is too much of it"],
  9: ["EBADF", "it is closed, or no such thing"],
  11: ["EAGAIN", "it is not ready"],
  12: ["ENOMEM", "there is not enough memory"],
  13: ["EACCES", "permission is denied"],
  14: ["EFAULT", "a buffer is missing"],
  16: ["EBUSY", "it is in use"],
  17: ["EEXIST", "that name is in use"],
  19: ["ENODEV", "there is no such network interface"],
  20: ["ENOTDIR", "a folder in its path is not one"],
  22: ["EINVAL", "an argument is not valid"],
  23: ["ENFILE", "the system has too many open files"],
  24: ["EMFILE", "this process has too many open files or sockets"],
  27: ["EFBIG", "it is larger than the system allows"],
  28: ["ENOSPC", "there is not enough room"],
  30: ["EROFS", "the file system is read-only"],
  32: ["EPIPE", "the other end has closed the connection"],
  34: ["ERANGE", "it lies outside the memory"],
  36: ["ENAMETOOLONG", "the name is too long"],
  38: ["ENOSYS", "this system does not know the call"],
  40: ["ELOOP", "the name is a symbolic link"],
  61: ["ENODATA", "there is no data"],
  71: ["EPROTO", "the protocol was broken"],
  75: ["EOVERFLOW", "the value is too large"],
  88: ["ENOTSOCK", "it is no socket"],
  90: ["EMSGSIZE", "the datagram is too long"],
  95: ["EOPNOTSUPP", "that is not supported"],
  97: ["EAFNOSUPPORT", "the address family is not supported"],
  98: ["EADDRINUSE", "the address is in use"],
  99: ["EADDRNOTAVAIL", "this machine does not have that address"],
  100: ["ENETDOWN", "the network is down"],
  101: ["ENETUNREACH", "the network cannot be reached"],
  103: ["ECONNABORTED", "the connection was broken off"],
  104: ["ECONNRESET", "the other end has reset the connection"],
  105: ["ENOBUFS", "there is not enough room in a buffer"],
  106: ["EISCONN", "it is connected already"],
  107: ["ENOTCONN", "it is not connected"],
  110: ["ETIMEDOUT", "there was no answer in time"],
  111: ["ECONNREFUSED", "nothing listens there"],
  112: ["EHOSTDOWN", "the host is down"],
  113: ["EHOSTUNREACH", "the host cannot be reached"],
  114: ["EALREADY", "it is being done already"],
  115: ["EINPROGRESS", "it is still under way"],
  116: ["ESTALE", "its name means something else by now"],
};

/** The names to write code with: `-ERRNO.EAGAIN`. */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  EINVAL: 22,
  EMFILE: 24,
  EFBIG: 27,
  ENOSPC: 28,
  EPIPE: 32,
  ERANGE: 34,
  ENAMETOOLONG: 36,
  EMSGSIZE: 90,
  EAFNOSUPPORT: 97,
  EADDRINUSE: 98,
  EADDRNOTAVAIL: 99,
  ENETUNREACH: 101,
  ECONNRESET: 104,
  ENOBUFS: 105,
  ENOTCONN: 107,
  ETIMEDOUT: 110,
  ECONNREFUSED: 111,
  EHOSTUNREACH: 113,
  EINPROGRESS: 115,
  ESTALE: 116,
} as const;

/** The name of an error number of either sign: `"ECONNREFUSED"`; `"errno 4711"` for one that is not known. */
export function errnoName(number: number): string {
  return ERRORS[Math.abs(number)]?.[0] ?? `errno ${Math.abs(number)}`;
}

/** What an error number of either sign means, as the end of a sentence: `"nothing listens there"`. */
export function errnoPhrase(number: number): string {
  return ERRORS[Math.abs(number)]?.[1] ?? `the system reports error ${Math.abs(number)}`;
}
