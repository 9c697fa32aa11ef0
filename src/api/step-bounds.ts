import path from "node:path";
import { type Cgroup, cgroupOf, swapIsCounted, sweepStepCgroups } from "../containers/cgroup.ts";
import { type Limits, limitsOf, resourcesOf } from "../containers/limits.ts";
import { findRuntime } from "../sandbox/runtime.ts";
import type { SpecLimit } from "../sandbox/runtime-spec.ts";
import type { StepBounds } from "../sandbox/sandbox.ts";
import { RequestFailure } from "./api-error.ts";

/** What the RUN instructions of a build may take, as docker's flags of the names. */
export interface BoundOptions {
  readonly limits: Limits;
  readonly ulimits?: readonly SpecLimit[];
  readonly shmBytes?: number;
  readonly cgroupParent?: string;
}

/** Finds a place for the steps' cgroups where something asks for one. Throws RequestFailure `no-cgroups` where there is none. */
export function stepBounds({ limits, ulimits, shmBytes, cgroupParent }: BoundOptions, { env, runtime }: { readonly env: NodeJS.ProcessEnv; readonly runtime: string | undefined }): StepBounds {
  const [flag] = [...limitsOf(limits), ...(cgroupParent === undefined ? [] : ["--cgroup-parent"])];
  return {
    ...(shmBytes === undefined ? {} : { shmBytes }),
    ...(ulimits === undefined ? {} : { ulimits }),
    ...(flag === undefined ? {} : { cgroup: { ...placeOf(flag, limits, cgroupParent, findRuntime(env, runtime)), resources: resourcesOf(limits, { privileged: false, swapIsCounted: swapIsCounted(), devices: [] }) } }),
  };
}

function placeOf(flag: string, limits: Limits, parent: string | undefined, runtime: ReturnType<typeof findRuntime>): Cgroup {
  sweepStepCgroups();
  const place = cgroupOf({ id: `build-${process.pid}`, limits }, runtime);
  if ("missing" in place) throw new RequestFailure("no-cgroups", `cannot set ${flag}: ${place.missing}`, place.hint === undefined ? {} : { hint: place.hint });
  const below = (directory: string): string => (parent === undefined ? directory : path.join(path.dirname(directory), path.join("/", parent), path.basename(directory)));
  return { path: below(place.path), directories: place.directories.map(below) };
}
