import { formatPlatform } from "../../oci/platform.ts";
import type { Dockerfile } from "../parse/instruction.ts";
import { expandNoting } from "./noted-expansion.ts";
import type { Surroundings } from "./surroundings.ts";

/** The variables of FROM: platform arguments, and the ARGs before the first FROM. */
export interface Globals {
  readonly values: ReadonlyMap<string, string>;
  /** Declared, with a value or without. */
  readonly names: ReadonlySet<string>;
}

/** As a build with these arguments has them; `{}` for the defaults alone. */
export function globalsOf(
  dockerfile: Dockerfile,
  around: Surroundings,
  buildArgs: Readonly<Record<string, string>>,
): Globals {
  const values = new Map(platformArguments(around));
  const given = (name: string): string | undefined =>
    Object.hasOwn(buildArgs, name) ? buildArgs[name] : undefined;
  for (const name of values.keys()) {
    values.set(name, given(name) ?? values.get(name)!);
  }
  const names = new Set(values.keys());
  for (const { statement, args } of dockerfile.globals) {
    for (const { name, value } of args) {
      const written =
        value === undefined
          ? undefined
          : expandNoting(value.text, (one) => values.get(one), statement.escape).text;
      const text = given(name) ?? written;
      names.add(name);
      if (text !== undefined) {
        values.set(name, text);
      }
    }
  }
  return { values, names };
}

function platformArguments({ platform, buildPlatform, target }: Surroundings): [string, string][] {
  const sides = [
    ["BUILD", buildPlatform ?? platform],
    ["TARGET", platform],
  ] as const;
  const pairs = sides.flatMap(([prefix, side]): [string, string][] => [
    [`${prefix}PLATFORM`, formatPlatform(side)],
    [`${prefix}OS`, side.os],
    [`${prefix}OSVERSION`, side["os.version"] ?? ""],
    [`${prefix}ARCH`, side.architecture],
    [`${prefix}VARIANT`, side.variant ?? ""],
  ]);
  return [...pairs, ["TARGETSTAGE", target === undefined || target === "" ? "default" : target]];
}
