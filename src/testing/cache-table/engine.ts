import type { Ran } from "../images.ts";

/** A builder that is asked what runs again. */
export interface CacheEngine extends AsyncDisposable {
  /** How many rows it takes at once. */
  readonly atOnce: number;
  /** Somewhere where nothing was built yet; there is the image `busybox`. */
  place(): Promise<Place>;
}

export interface Place extends AsyncDisposable {
  /** An empty directory that the builder sees. */
  readonly directory: string;
  /** `ARGS` as the builder's command line, in the directory. */
  run(args: readonly string[], env: Readonly<Record<string, string>>, umask: string | undefined): Promise<Ran>;
}
