import { Failure } from "../../base/failure.ts";

/** A layer stack that says something impossible. */
export class TreeError extends Failure {
  readonly code: "broken-link" | "too-many-links";

  constructor(code: TreeError["code"], message: string) {
    super(message);
    this.code = code;
  }
}
