import { errnoOf, reasonOf } from "../../base/failure.ts";
import { OpenWatch } from "../../sys/fanotify.ts";
import type { StepReads } from "../step.ts";

/** The kernel keeps what was opened until it is asked; files that are renamed or removed meanwhile are told by what they are then. Milliseconds. */
const ASK_EVERY = 5;
/** More paths than that are of no use to anybody. */
const MOST = 50_000;

/** Files of a step's tree that its processes opened, while it runs. */
export interface ReadTrace {
  /** Ends it, and tells. */
  end(): StepReads;
}

/** Begins to note what is opened on the file system of a mount. Where the kernel does not let us, the trace says why. */
export function traceReads(merged: string): ReadTrace {
  let watch: OpenWatch;
  try {
    watch = new OpenWatch(merged);
  } catch (error) {
    const code = errnoOf(error);
    const reason = code === "EPERM" ? "only root of the machine may watch files being opened" : `the kernel does not let us watch files being opened: ${code ?? reasonOf(error)}`;
    return { end: () => ({ reason }) };
  }
  const files = new Set<string>();
  const directories = new Set<string>();
  const take = (): void => {
    for (const { path, directory } of watch.take()) {
      const noted = directory ? directories : files;
      if (noted.size < MOST) noted.add(path.startsWith(`${merged}/`) ? path.slice(merged.length) : path);
    }
  };
  const timer = setInterval(take, ASK_EVERY);
  return {
    end: () => {
      clearInterval(timer);
      take();
      watch[Symbol.dispose]();
      return { files: [...files].sort(), directories: [...directories].sort() };
    },
  };
}
