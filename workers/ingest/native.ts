export { loadLibrary, type NativeLibrary } from "../../ffi/load.ts";
export { ADDRESS_BYTES, POLL_ERROR, POLL_IN, POLL_OUT, POLL_WOKEN } from "../../ffi/symbols.ts";
export { ERRNO, errnoPhrase } from "../../ffi/errno.ts";
