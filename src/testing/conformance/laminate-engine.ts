import type { BuildRig } from "../builds.ts";
import type { Engine } from "./engine.ts";

/** Laminate of this checkout, in this process, with the rig's store. */
export function laminateEngine(rig: BuildRig): Engine {
  return {
    work: rig.directory,
    atOnce: 3,
    build: (cwd, args, env) => rig.run(["build", ...args], undefined, { cwd, env }),
    async save(tags, file) {
      await rig.ok(["save", "-o", file, ...tags]);
    },
  };
}
