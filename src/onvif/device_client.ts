import { now, OnvifError } from "../media/mod.ts";
import { Authenticator } from "../rtsp/mod.ts";
import { type Answer, envelope, NAMESPACE, readAnswer } from "./soap.ts";
import { find, textOf, type XmlElement } from "./xml.ts";

/** Bytes of an answer; an honest one has a hundredth of it. */
const MAX_BYTES = 1 << 20;
/** Challenges of HTTP that are answered for one request: the first, and one with a nonce that was too old. */
const MAX_CHALLENGES = 2;

/** Whom to ask, and as whom. */
export interface DeviceClientOptions {
  username: string;
  password: string;
  /** Ends every request. */
  signal: AbortSignal;
}

/** Asks the services of one ONVIF device. */
export class DeviceClient {
  readonly url: URL;
  readonly #options: DeviceClientOptions;
  readonly #authenticator: Authenticator;
  /** How far the device's clock is ahead of this host's, in milliseconds; null: not known. */
  clockOffset: number | null = null;

  /** @param url The device service's. */
  constructor(url: URL, options: DeviceClientOptions) {
    this.url = url;
    this.#options = options;
    const { username, password } = options;
    this.#authenticator = new Authenticator({
      ...{ username, password },
      random: (into) => crypto.getRandomValues(into),
      // Over plain HTTP to a host that said itself that it is a camera.
      basic: "refuse",
    });
  }

  /**
   * Reads the device's clock, which its check of credentials goes by: many a camera stands at another time, or at 1970.
   * Asked without credentials, as the standard has it.
   */
  async readClock(): Promise<void> {
    const before = now();
    const { answer, date } = await this.#exchange(
      this.url,
      `<GetSystemDateAndTime xmlns="${NAMESPACE.device}"/>`,
      { operation: "GetSystemDateAndTime", signed: false },
    );
    const middle = (before + now()) / 2;
    const told = answer.kind === "body" ? timeOf(answer.body) : null;
    // A device that wants credentials even for this says in its headers what time it is.
    const fallback = date === null ? NaN : Date.parse(date);
    const time = told ?? (Number.isFinite(fallback) ? fallback : null);
    this.clockOffset = time === null ? null : time - middle;
  }

  /**
   * Asks one operation and gives the answer's body.
   *
   * @param body The operation's element.
   * @throws {OnvifError}
   */
  async ask(service: URL, operation: string, body: string): Promise<XmlElement> {
    const { answer, status } = await this.#exchange(service, body, { operation, signed: true });
    if (answer.kind === "body") return answer.body;
    const action = `Cannot ask ${this.url.host} for ${operation}`;
    if (!answer.unauthorized) {
      throw new OnvifError("fault", `${action}: the device says: ${answer.reason}`, { status, operation });
    }
    const why = this.#options.username === ""
      ? "the device asks for a user name and password, and none were given"
      : "the device refuses this user name and password";
    throw new OnvifError("unauthorized", `${action}: ${why}`, { status, operation });
  }

  async #exchange(
    service: URL,
    body: string,
    { operation, signed }: { operation: string; signed: boolean },
  ): Promise<{ answer: Answer; status: number; date: string | null }> {
    const { username, password } = this.#options;
    const action = `Cannot ask ${this.url.host} for ${operation}`;
    for (let challenged = 0;; challenged++) {
      const token = signed && username !== ""
        ? {
          username,
          password,
          createdMs: now() + (this.clockOffset ?? 0),
          nonce: crypto.getRandomValues(new Uint8Array(16)),
        }
        : null;
      const headers = new Headers({ "Content-Type": "application/soap+xml; charset=utf-8" });
      const authorization = signed ? this.#authenticator.authorize("POST", service.pathname + service.search) : null;
      if (authorization !== null) headers.set("Authorization", authorization);
      const { response, text } = await this.#post(service, envelope(body, token), { headers, action, operation });
      const { status } = response;
      // Some check credentials by HTTP and not, or not only, by what the message says.
      const challenges = response.headers.get("WWW-Authenticate");
      const isWorthIt = status === 401 && signed && challenges !== null && challenged < MAX_CHALLENGES;
      if (isWorthIt && this.#authenticator.challenge([challenges])) continue;
      const date = response.headers.get("Date");
      if (status === 401 || status === 403) {
        return { answer: { kind: "fault", unauthorized: true, reason: `HTTP ${status}` }, status, date };
      }
      try {
        return { answer: readAnswer(text), status, date };
      } catch (cause) {
        const what = status >= 300 ? `it answers HTTP ${status}` : (cause as Error).message;
        throw new OnvifError("protocol", `${action}: it is no ONVIF device: ${what}`, { status, operation, cause });
      }
    }
  }

  async #post(
    service: URL,
    body: string,
    { headers, action, operation }: { headers: Headers; action: string; operation: string },
  ): Promise<{ response: Response; text: string }> {
    const { signal } = this.#options;
    try {
      // A device that redirects could lead anywhere, and see what is sent there.
      const response = await fetch(service, { method: "POST", body, headers, signal, redirect: "manual" });
      return { response, text: await readBounded(response) };
    } catch (cause) {
      if (cause instanceof Deno.errors.NotCapable || cause instanceof OnvifError) throw cause;
      if (signal.aborted) {
        if ((signal.reason as Error)?.name !== "TimeoutError") throw signal.reason;
        throw new OnvifError("timeout", `${action}: it did not answer in time`, { operation, cause });
      }
      const { message, cause: inner } = cause as Error;
      const told = inner instanceof Error ? inner.message : message;
      const why = /refused/i.test(told)
        ? `nothing listens on port ${service.port || (service.protocol === "https:" ? 443 : 80)}`
        : /dns|lookup/i.test(told)
        ? "there is no host of that name"
        : "it cannot be reached";
      throw new OnvifError("unreachable", `${action}: ${why}`, { operation, cause });
    }
  }
}

/** The body of a response, as far as an honest one goes. */
async function readBounded(response: Response): Promise<string> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.length;
    if (bytes > MAX_BYTES) {
      throw new OnvifError("protocol", `Cannot read an answer: it has more than ${MAX_BYTES} bytes`, {
        status: response.status,
      });
    }
    parts.push(part);
  }
  return await new Blob(parts).text();
}

/** Unix milliseconds that a device says it is; null where it says none. */
function timeOf(body: XmlElement): number | null {
  const utc = find(body, "UTCDateTime");
  const number = (...path: string[]) => {
    const text = textOf(utc, ...path);
    return /^\d{1,4}$/.test(text) ? Number(text) : NaN;
  };
  const time = Date.UTC(
    number("Date", "Year"),
    number("Date", "Month") - 1,
    number("Date", "Day"),
    number("Time", "Hour"),
    number("Time", "Minute"),
    number("Time", "Second"),
  );
  return Number.isFinite(time) ? time : null;
}
