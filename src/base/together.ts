import { Semaphore } from "./semaphore.ts";

/** Works on all items, at most `atOnce` at a time. The first failure stops the others by the signal that they get, and is thrown when all have ended. */
export async function together<T>(items: readonly T[], { atOnce, signal }: { readonly atOnce: number; readonly signal: AbortSignal }, work: (item: T, signal: AbortSignal, place: number) => Promise<void>): Promise<void> {
  const turns = new Semaphore(atOnce);
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const works = items.map((item, place) =>
    turns.run(async () => {
      try {
        either.throwIfAborted();
        await work(item, either, place);
      } catch (error) {
        stop.abort(error);
        throw error;
      }
    }),
  );
  const failed = (await Promise.allSettled(works)).some(({ status }) => status === "rejected");
  signal.throwIfAborted();
  if (failed) throw stop.signal.reason;
}
