import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import type { BuildRecord } from "../explain/build-record.ts";
import { BuildRig } from "./builds.ts";

/** A machine is a store of its own; all that begin from one have the same base image. */
export async function machine({ like, env }: { readonly like?: BuildRig; readonly env?: NodeJS.ProcessEnv } = {}): Promise<BuildRig> {
  const rig = new BuildRig(env);
  if (like === undefined) {
    await rig.busybox();
  } else {
    const archive = path.join(rig.directory, "base.tar");
    await like.ok(["save", "-o", archive, "busybox"]);
    await rig.ok(["load", "-i", archive]);
  }
  return rig;
}

/** What became of each step of the last build. */
export async function outcomes(rig: BuildRig): Promise<string[]> {
  const { steps } = JSON.parse(await rig.ok(["builds", "show", "--format", "json"])) as BuildRecord;
  return steps.filter(({ outcome }) => outcome !== "source").map(({ outcome, from }) => `${outcome}${from === undefined ? "" : " elsewhere"}`);
}

export async function imageId(rig: BuildRig, image: string): Promise<string> {
  return (await rig.ok(["images", "-q", "--no-trunc", image])).trim();
}

/** The layers that a machine has. */
export function layersOf(rig: BuildRig): string[] {
  return readdirSync(path.join(rig.root, "layers")).filter((name) => existsSync(path.join(rig.root, "layers", name, "index")));
}
