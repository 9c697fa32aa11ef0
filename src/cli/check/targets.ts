import type { CheckInput } from "../../api/check.ts";
import { description } from "../../dockerfile/outline.ts";
import { parseDockerfile } from "../../dockerfile/parse/parse.ts";
import { columns } from "./columns.ts";
import { location } from "./docker-report.ts";

/** A stage that `--target` can name. */
export interface Target {
  readonly name: string | undefined;
  /** The comment above it, where it begins with the name. */
  readonly description: string | undefined;
  readonly isDefault: boolean;
  readonly base: string;
  readonly platform: string | undefined;
  readonly line: { readonly first: number; readonly last: number };
}

/** The stages of a Dockerfile. Throws DockerfileError. */
export function listTargets({ text, name: file }: CheckInput): Target[] {
  const dockerfile = parseDockerfile(text, file);
  return dockerfile.stages.map(({ from, name }, place) => ({
    name,
    description: description({ dockerfile }, from.statement, name),
    isDefault: place === dockerfile.stages.length - 1,
    base: from.base.text,
    platform: from.platform?.value,
    line: { first: from.statement.line.firstLine, last: from.statement.lastLine },
  }));
}

export function targetsText(targets: readonly Target[]): string {
  const rows = targets.map(({ name = "", description = "", isDefault }) => [isDefault ? `${name} (default)`.trimStart() : name, description]);
  return columns(["TARGET", "DESCRIPTION"], rows);
}

/** BuildKit's list of targets. */
export function targetsJson(targets: readonly Target[], text: string): string {
  const list = targets.map(({ name, description, isDefault, base, platform, line }) => ({
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    ...(isDefault ? { default: true } : {}),
    base,
    ...(platform === undefined ? {} : { platform }),
    location: location(line.first, line.last),
  }));
  return `${JSON.stringify({ targets: list, sources: [Buffer.from(text).toString("base64")] }, null, 2)}\n`;
}
