import { Failure } from "../base/failure.ts";
import { lower, type LowerInput } from "../dockerfile/lower/lower.ts";
import type { Lowered } from "../dockerfile/lower/result.ts";
import type { ContainerConfig, ImageConfig } from "../oci/image-config.ts";

const BASES: Readonly<Record<string, ContainerConfig>> = {
  debian: { Env: ["PATH=/bin", "LANG=C"], Cmd: ["bash"] },
  node: {
    Env: ["PATH=/usr/bin", "NODE=22"],
    Entrypoint: ["entry"],
    Cmd: ["node"],
    WorkingDir: "/srv",
    User: "node",
  },
  triggers: {
    Env: ["PATH=/bin"],
    OnBuild: ["ARG v=1", "RUN echo $v", "COPY --from=tools /t /u", "COPY . /app"],
  },
  bad: { OnBuild: ["RNU x"] },
};

class NoImage extends Failure {
  readonly code = "no-image" as const;
}

/** An image config around what a container gets. */
export function image(config: ContainerConfig): ImageConfig {
  return {
    architecture: "amd64",
    os: "linux",
    config,
    rootfs: { type: "layers", diff_ids: [] },
    history: [{ created_by: "base" }],
  };
}

/** What a test says beside the Dockerfile. */
export type Options = Partial<Omit<LowerInput, "dockerfile">>;

/** Lowers a Dockerfile whose bases are a few invented images. */
export function build(dockerfile: string, options: Options = {}): Promise<Lowered> {
  return lower({
    dockerfile,
    file: "Dockerfile",
    buildArgs: {},
    labels: {},
    platform: { os: "linux", architecture: "amd64" },
    resolveBase: async (reference) => {
      const config = BASES[reference.replace(/:.*/, "")];
      if (config === undefined) {
        throw new NoImage(`no image ${reference}`);
      }
      return image(config);
    },
    ...options,
  });
}
