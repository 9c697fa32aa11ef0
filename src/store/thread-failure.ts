import { ArchiveError } from "../archive/archive-error.ts";
import { Failure } from "../base/failure.ts";
import { StoreFailure } from "./store-error.ts";

/** An error of a thread as what it was there, where that is a failure of the store or of an archive. */
export function fromThread(error: unknown): unknown {
  if (error instanceof Failure || !(error instanceof Error)) return error;
  const { name, message, code, hint } = error as Error & { readonly code?: string; readonly hint?: string };
  const options = { cause: error, ...(hint === undefined ? {} : { hint }) };
  if (name === StoreFailure.name) return new StoreFailure(code as StoreFailure["code"], message, options);
  return name === ArchiveError.name ? new ArchiveError(code as ArchiveError["code"], message, options) : error;
}
