import type { BytePath } from "../../../base/byte-path.ts";

/** Thrown within this folder where an image cannot say what a layer's entry says; `erofsImage` makes a value of it. */
export class Unrepresentable extends Error {
  readonly path: BytePath;

  constructor(path: BytePath, reason: string) {
    super(reason);
    this.path = path;
  }
}
