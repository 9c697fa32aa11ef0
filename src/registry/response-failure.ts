import { RegistryFailure, type RegistryFailureCode } from "./registry-error.ts";
import type { HttpResponse } from "./transport.ts";

/** As much of an error answer is read. */
const ERROR_BYTES = 64 << 10;
/** As much of what a registry says is repeated to the user. */
const SAID_CHARACTERS = 500;
/** A registry that asks for more patience than this is not waited for. */
const LONGEST_WAIT_MS = 120_000;

const TRANSIENT = new Set([408, 429, 500, 502, 503, 504]);

/** What an error answer's body says. */
export interface Said {
  /** The server's own word for it: `DENIED`. */
  readonly reason?: string;
  readonly said?: string;
}

export interface AnswerReading {
  /** Verb and noun for messages. */
  readonly doing: string;
  /** Who answered: `the registry`. */
  readonly server: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly read: (body: string) => Said;
  /** What a status means where the body says nothing. */
  readonly meanings?: Readonly<Record<number, string>>;
  readonly hint?: (code: RegistryFailureCode) => string | undefined;
}

/** Turns an answer of a registry that was not wanted into a failure: `doing` is the verb and noun of the message. */
export async function responseFailure(response: HttpResponse, { doing, registry, now }: { readonly doing: string; readonly registry: string; readonly now: number }): Promise<RegistryFailure> {
  const hint = (code: RegistryFailureCode): string | undefined => (code === "unauthorized" || code === "denied" ? `Log in with a user who may do this: laminate login ${registry}` : undefined);
  return await answerFailure(response, { doing, server: "the registry", now, read: readErrors, meanings: FALLBACKS, hint });
}

/** Turns any server's answer that was not wanted into a failure. */
export async function answerFailure(response: HttpResponse, { doing, server, now, read, meanings, hint: hintFor }: AnswerReading): Promise<RegistryFailure> {
  const { reason, said } = read(await readSome(response));
  const { status } = response;
  const retryAfter = parseRetryAfter(response.headers["retry-after"], now);
  const patient = retryAfter === undefined || retryAfter <= LONGEST_WAIT_MS;
  const wait = retryAfter !== undefined && !patient ? `; it asks to come back in ${Math.ceil(retryAfter / 1000)} s` : "";
  const text = said?.slice(0, SAID_CHARACTERS) ?? meanings?.[status] ?? `${server} answered ${status}`;
  const shown = status >= 500 && said !== undefined ? `${server} answered ${status}: ${text}` : text;
  const code = codeOf(status);
  const hint = hintFor?.(code);
  return new RegistryFailure(code, `${doing}: ${shown}${wait}`, {
    status,
    said: text,
    transient: TRANSIENT.has(status) && patient,
    ...(reason === undefined ? {} : { reason }),
    ...(retryAfter === undefined ? {} : { retryAfter }),
    ...(hint === undefined ? {} : { hint }),
  });
}

const FALLBACKS: Readonly<Record<number, string>> = {
  401: "unauthorized: authentication required",
  403: "denied: requested access to the resource is denied",
  404: "not found",
  413: "the registry does not take a request that large",
  429: "too many requests",
};

function codeOf(status: number): RegistryFailureCode {
  if (status >= 500) return "server-error";
  const codes: Readonly<Record<number, RegistryFailureCode>> = { 401: "unauthorized", 403: "denied", 404: "not-found", 413: "too-large", 429: "rate-limited" };
  return codes[status] ?? "bad-response";
}

/** Lets go of an answer so that its connection can be used again. */
export async function discard(response: HttpResponse): Promise<void> {
  await readSome(response);
}

async function readSome({ body }: HttpResponse): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > ERROR_BYTES) break;
    }
  } catch {
    // The status says enough.
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** distribution-spec, Error Codes: `{"errors":[{"code","message","detail"}]}`; token servers say `details` or `error_description`. */
function readErrors(text: string): Said {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return {};
  }
  const body = asRecord(parsed);
  const first = asRecord(Array.isArray(body["errors"]) ? body["errors"][0] : undefined);
  const code = stringOr(first["code"]) ?? stringOr(body["error"]);
  const message = stringOr(first["message"]) ?? stringOr(body["error_description"]) ?? stringOr(body["details"]) ?? stringOr(body["message"]);
  const said = [code?.toLowerCase().replaceAll("_", " "), message].filter((part) => part !== undefined).join(": ");
  return { ...(code === undefined ? {} : { reason: code.toUpperCase() }), ...(said === "" ? {} : { said }) };
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function stringOr(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** RFC 9110, 10.2.3: seconds or a date. */
function parseRetryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}
