import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

/** Writes a context's Dockerfile, and the context where it is missing. */
export function writeDockerfile(directory: string, lines: readonly string[]): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(path.join(directory, "Dockerfile"), `${lines.join("\n")}\n`);
}

/** Another last RUN, unlike any before. */
export function changeLastStep(directory: string, edition: number): void {
  const file = path.join(directory, "Dockerfile");
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  writeFileSync(file, `${lines.with(-1, `RUN echo ${edition} > /edition`).join("\n")}\n`);
}
