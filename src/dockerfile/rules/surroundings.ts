import type { ContainerConfig } from "../../oci/image-config.ts";
import type { Platform } from "../../oci/platform.ts";
import type { IgnoreRules } from "../ignore.ts";

/** What is known around a Dockerfile when it is checked. */
export interface Surroundings {
  readonly buildArgs: Readonly<Record<string, string>>;
  /** The stage of `--target`: only what it needs is looked into; without one, all stages. */
  readonly target?: string;
  /** Also without a target only what the last stage needs is looked into, as a build does. */
  readonly onlyNeeded?: true;
  readonly platform: Platform;
  readonly buildPlatform?: Platform;
  /** The config of a base image; undefined when the image is not at hand, and what depends on it is then not judged. */
  readonly baseConfig: (reference: string, platform: Platform) => ContainerConfig | undefined;
  /** What the context's ignore file says; undefined when there is none. */
  readonly ignore?: IgnoreRules;
}
