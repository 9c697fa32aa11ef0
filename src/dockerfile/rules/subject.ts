import type { Dockerfile, Stage } from "../parse/instruction.ts";
import type { Globals } from "./globals.ts";
import type { Surroundings } from "./surroundings.ts";

/** What a rule looks at. */
export interface Subject extends Surroundings {
  readonly dockerfile: Dockerfile;
  /** The stages whose instructions count. */
  readonly stages: readonly Stage[];
  /** The variables of FROM, as this build gives them. */
  readonly globals: Globals;
}
