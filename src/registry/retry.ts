import { setTimeout as sleep } from "node:timers/promises";
import { RegistryFailure } from "./registry-error.ts";

export interface RetryOptions {
  /** How often in all. */
  readonly attempts: number;
  /** Milliseconds before the second attempt; doubled each time. */
  readonly firstDelay: number;
  readonly pause: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
  readonly random: () => number;
  /** Told before each wait. */
  readonly onRetry?: ((failure: RegistryFailure, ms: number) => void) | undefined;
}

export const PATIENT: RetryOptions = {
  attempts: 5,
  firstDelay: 500,
  pause: async (ms, signal) => sleep(ms, undefined, signal === undefined ? {} : { signal }),
  random: Math.random,
};

/** Repeats a task while it fails in a way that passes, waiting longer each time, or as long as the registry asks. */
export async function withRetries<T>(task: () => Promise<T>, options: RetryOptions, signal?: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    signal?.throwIfAborted();
    try {
      return await task();
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof RegistryFailure) || !error.transient || attempt >= options.attempts) throw error;
      await waitFor(error, attempt, options, signal);
    }
  }
}

/** Waits before attempt `attempt + 1`. */
export async function waitFor(failure: RegistryFailure, attempt: number, options: RetryOptions, signal?: AbortSignal): Promise<void> {
  const backoff = options.firstDelay * 2 ** (attempt - 1) * (0.75 + options.random() / 2);
  const ms = Math.round(failure.retryAfter ?? backoff);
  if (ms > 0) options.onRetry?.(failure, ms);
  await options.pause(ms, signal).catch((error: unknown) => {
    throw signal?.aborted === true ? signal.reason : error;
  });
}
