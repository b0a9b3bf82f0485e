// Pure: no I/O.

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
