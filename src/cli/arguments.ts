// Pure: no I/O.
import { InvalidArgumentError } from "commander";
import { parseCameraUrl } from "../rtsp/mod.ts";
import { UsageError } from "./errors.ts";

/*
 * Readers of what is typed behind options. What they throw is wrong usage.
 */

/** More than this is meant as "for ever": a timer takes 24 days at most. */
const MAX_SECONDS = 1_000_000;

/** An rtsp:// address, or an http:// one, of FLV; in an error it is shown without its password, other than commander would. */
export function cameraAddress(text: string): string {
  try {
    parseCameraUrl(text);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  return text;
}

/** Whether it is meant as an address, and not as a file. */
export function isAddress(text: string): boolean {
  return text.includes("://");
}

/** A length of time. */
export function seconds(text: string): number {
  const value = numberOf(text);
  if (!(value > 0 && value <= MAX_SECONDS)) {
    throw new InvalidArgumentError(`expected a number above 0, ${MAX_SECONDS} at most`);
  }
  return value;
}

/** A number of things. */
export function count(text: string): number {
  const value = numberOf(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError("expected an integer from 1");
  return value;
}

/** A port to listen on; 0 for any free one. */
export function port(text: string): number {
  const value = numberOf(text);
  if (!Number.isInteger(value) || value < 0 || value > 65_535) {
    throw new InvalidArgumentError("expected an integer from 0 to 65535");
  }
  return value;
}

export function milliseconds(text: string): number {
  const value = numberOf(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError("expected an integer from 0");
  return value;
}

function numberOf(text: string): number {
  return text.trim() === "" ? NaN : Number(text);
}
