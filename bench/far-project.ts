import { createHash } from "node:crypto";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { LAMINATE } from "./builders.ts";
import { run } from "./empty-machines.ts";

/** Pushes the base images of the project to a registry: one of 60 MB for its stage, a small one for its image. */
export async function pushBases(directory: string, host: string): Promise<void> {
  const root = path.join(directory, "bases");
  mkdirSync(root);
  const command = [LAMINATE, "--root", root];
  await run([...command, "base", "busybox"]);
  for (const [name, size] of [["tools", 60], ["slim", 2]] as const) {
    const context = path.join(directory, name);
    write(context, { Dockerfile: "FROM busybox\nCOPY content /usr/lib/content\n", content: noise(name, size << 20) });
    await run([...command, "build", "-q", "-t", `${host}/base/${name}:1`, "--push", context]);
  }
  rmSync(root, { recursive: true, force: true });
}

/** A stage with 40 MB of packages that are installed before its sources are copied, and an image that takes what the stage made. */
export function writeProject(context: string, host: string, source: string): void {
  const lines = [`FROM ${host}/base/tools:1 AS build`, "WORKDIR /app", "COPY packages /packages", "RUN cp -r /packages /app/node_modules", "COPY src ./src", "RUN mkdir out && cat src/* | sha256sum > out/app && head -c 1000000 node_modules/0 >> out/app"];
  write(context, { Dockerfile: [...lines, `FROM ${host}/base/slim:1`, "COPY --from=build /app/out /app", "RUN sha256sum /app/app > /app/sum", ""].join("\n"), "src/part": source, "src/other": "other" });
  for (let index = 0; index < 40; index += 1) if (!existsSync(path.join(context, `packages/${index}`))) write(context, { [`packages/${index}`]: noise(`package ${index}`, 1 << 20) });
}

function write(context: string, files: Readonly<Record<string, string | Buffer>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(context, name)), { recursive: true });
    writeFileSync(path.join(context, name), content);
  }
}

/** Bytes that no compression makes fewer, the same each time. */
function noise(seed: string, size: number): Buffer {
  return createHash("shake256", { outputLength: size }).update(seed).digest();
}
