/**
 * An expected failure: something outside did what it may do (a bad flag, a missing file, a 401).
 * Every room has its own subclass with a literal-union `code`; a broken invariant throws a plain Error
 * whose message starts with "Internal error:". Messages are written for the user: what was being done,
 * the quoted value, what was found and what was wanted.
 */
export abstract class Failure extends Error {
  abstract readonly code: string;
  /** One more line for the user: what to do about it. */
  readonly hint: string | undefined;

  constructor(message: string, options: { readonly cause?: unknown; readonly hint?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.hint = options.hint;
  }
}

/** The text of whatever was thrown, for wrapping as "verb noun: cause". */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The errno name (`ENOENT`, …) of a system call's error, or undefined. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
