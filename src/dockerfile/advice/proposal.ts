/** The texts that a proposal changes. */
export interface Texts {
  readonly dockerfile: string;
  /** The ignore file; undefined where there is none. */
  readonly ignore: string | undefined;
}

/** What is changed between two builds, to see what a proposal saves. */
export type Trial =
  /** A file that is not one of these. */
  | { readonly kind: "source"; readonly except: readonly string[]; readonly below: string }
  /** One of these files. */
  | { readonly kind: "file"; readonly oneOf: readonly string[] }
  | { readonly kind: "argument"; readonly name: string };

/** A change of a Dockerfile or its ignore file that may save time or room. It is an idea until it was replayed. */
export interface Proposal {
  readonly kind: "order" | "narrow" | "ignore" | "cache-mount" | "same-run" | "argument";
  readonly title: string;
  /** Which COPY it is about, and the names that it takes of that. */
  readonly takes?: string;
  /** The first line that it changes, of the Dockerfile as it is. */
  readonly line?: number;
  readonly trial: Trial;
  /** Paths of the image, with all below them, that are meant to go. */
  readonly drops: readonly string[];
  /** Makes the change, in texts that other proposals may have changed; undefined where its place is no longer there. */
  readonly apply: (texts: Texts) => Texts | undefined;
}

/** What proposals are made from, besides the Dockerfile. */
export interface Surveyed {
  /** Whether the context has a file or directory there that is not ignored. */
  readonly has: (path: string) => boolean;
  /** Names of the context's top that match. */
  readonly find: (pattern: RegExp) => readonly string[];
  /** Build arguments whose values changed between recorded builds. */
  readonly changedArguments: readonly string[];
  /** Seconds that a RUN took when it last ran, by its words; undefined where no build is recorded in which it did. */
  readonly cost: (command: string) => number | undefined;
  /** The files that a RUN opened of what a COPY brought, by the words of both: paths below the COPY's destination. Undefined where no recorded build was traced. */
  readonly reads: (run: string, copy: string) => readonly string[] | undefined;
  /** The absolute destination of a COPY, by its words, as a recorded build had it. */
  readonly destination: (copy: string) => string | undefined;
}
