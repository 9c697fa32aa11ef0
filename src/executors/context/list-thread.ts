import { answerRequests } from "../../base/thread.ts";
import { listDirectory } from "./listing.ts";

/** Directories to list, byte strings. */
export interface ListAsk {
  readonly directories: readonly string[];
}

/** Of each directory in its turn: the names, joined by NUL, and the stats' numbers. */
export interface ListAnswer {
  readonly listings: readonly { readonly names: string; readonly fields: BigInt64Array<ArrayBuffer> }[];
}

answerRequests<ListAsk, ListAnswer>(({ directories }) => ({
  listings: directories.map((directory) => {
    const { names, stats } = listDirectory(directory);
    return { names: names.join("\0"), fields: stats.fields };
  }),
}));
