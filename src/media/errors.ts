// Pure: no I/O.

/** Why an RTSP source could not be opened, or ended. */
export type RtspErrorCode =
  | "address" // the URL's host does not resolve, or is no address
  | "refused" // nothing listens there
  | "unreachable" // no route, network down
  | "timeout" // no answer, or no packet, in the time allowed
  | "unauthorized" // wrong or missing user name and password
  | "certificate" // the server's certificate is not trusted, or is not the one expected
  | "not-found" // the server has no such path
  | "no-video" // the description offers no video track
  | "codec" // a video track, but of a codec that is not supported
  | "transport" // the server takes none of the transports asked for
  | "protocol" // what came is not RTSP, or breaks its rules
  | "closed" // the server closed the connection
  | "permission" // this program may not reach that host
  | "status"; // any other refusal by the server

/** What was waited for in vain. */
export type RtspTimeout =
  | "connect" // the TCP connection
  | "answer" // the answer to a request
  | "first-packet" // the first packet after the camera said that it plays
  | "first-picture" // the first picture: a keyframe
  | "idle" // the next packet of a camera that played
  | "total"; // the first picture, all attempts together

/** A failure to open or to keep an RTSP source. */
export class RtspError extends Error {
  override readonly name = "RtspError";
  readonly code: RtspErrorCode;
  /** Which time-out it was, where the code is `timeout`; else null. */
  readonly timeout: RtspTimeout | null;
  /** The server's status code, 0 where there was no answer. */
  readonly status: number;
  /** The method that failed, empty where none was sent. */
  readonly method: string;

  constructor(
    code: RtspErrorCode,
    message: string,
    options: { status?: number; method?: string; timeout?: RtspTimeout | null; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.timeout = options.timeout ?? null;
    this.status = options.status ?? 0;
    this.method = options.method ?? "";
  }
}

/** A failure of the decoder as a whole; damaged pictures are counted, not thrown. */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
  readonly code: "codec" | "trapped" | "memory" | "module" | "worker";
  /** FFmpeg's own error number (negative), 0 where it gave none. */
  readonly averror: number;

  constructor(code: DecodeError["code"], message: string, options: { averror?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.averror = options.averror ?? 0;
  }
}

/** A failure to create, open or use a ring in shared memory. */
export class ShmError extends Error {
  override readonly name = "ShmError";
  readonly code:
    | "not-found" // no ring of that name
    | "in-use" // a living writer has that name
    | "full" // /dev/shm has not enough room
    | "permission" // mode bits or owner forbid it
    | "version" // another layout version
    | "invalid" // not a ring, or a damaged one
    | "size" // a payload larger than the ring takes
    | "closed" // used after it was closed, or the writer closed it
    | "system"; // any other error of the system, errno given
  /** The system's error number (positive), 0 where there was none. */
  readonly errno: number;

  constructor(code: ShmError["code"], message: string, options: { errno?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.errno = options.errno ?? 0;
  }
}

/** Why a device could not be asked. */
export type OnvifErrorCode =
  | "unreachable" // nothing listens there, or there is no route
  | "timeout" // no answer in the time allowed
  | "unauthorized" // wrong or missing user name and password, or a clock that differs too much
  | "fault" // the device refused what it was asked
  | "protocol"; // what came is no answer of an ONVIF device

/** A failure to ask an ONVIF device. */
export class OnvifError extends Error {
  override readonly name = "OnvifError";
  readonly code: OnvifErrorCode;
  /** Status of HTTP, 0 where there was no answer. */
  readonly status: number;
  /** The operation that failed, such as `GetProfiles`. */
  readonly operation: string;

  constructor(
    code: OnvifErrorCode,
    message: string,
    options: { status?: number; operation?: string; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.status = options.status ?? 0;
    this.operation = options.operation ?? "";
  }
}

/** Something that must be there before Millrace can run, and how to get it. */
export class SetupError extends Error {
  override readonly name = "SetupError";
  readonly code: "library" | "module" | "permission" | "option";

  constructor(code: SetupError["code"], message: string, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
  }
}

/** How an analysis ended, where it did not end by itself or by its owner's wish. */
export class AnalysisError extends Error {
  override readonly name = "AnalysisError";
  readonly code:
    | "crashed" // its code threw
    | "unresponsive" // it took a frame and did not come back in time
    | "flood" // it sent more results than are taken
    | "memory" // it outgrew its memory
    | "load"; // its module could not be loaded

  constructor(code: AnalysisError["code"], message: string, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
  }
}

/** Something odd that came from outside: counted in `stats()`, and handed here at most once a second and kind. */
export interface Warning {
  /** A short constant word such as `"rtp-lost"`. */
  code: string;
  message: string;
  /** Where it was seen: peer, stream, ssrc, sequence, byte offset; whatever is known. */
  at: Record<string, string | number>;
  /** How many of this code there were since the one before. */
  count: number;
}
