import { pathText, type BytePath } from "../../base/byte-path.ts";
import { parseIgnore, type IgnoreRules } from "../../dockerfile/ignore.ts";
import { IgnoringSource } from "../context/ignoring-source.ts";
import type { FileSource } from "../value.ts";
import type { Selection } from "./select.ts";

/**
 * Leaves out of a selection what the patterns of `--exclude` match. As in BuildKit they speak of names below each
 * directory that was chosen, and so never of a file that was named itself; with --parents, of names below the root or pivot.
 */
export function excluding(source: FileSource, selection: Selection, patterns: readonly string[]): readonly Selection[] {
  if (patterns.length === 0) return [selection];
  const rules = parseIgnore(patterns.join("\n"), "--exclude");
  return selection.chosen.flatMap((chosen): Selection[] => {
    const top = chosen.root ?? chosen.source.entry.path;
    const view = new IgnoringSource(source, below(top, rules));
    const left = chosen.root === undefined || view.get(chosen.source.entry.path) !== undefined;
    return left ? [{ ...selection, chosen: [chosen], view }] : [];
  });
}

/** The rules for paths below a directory; nothing else is ignored. */
function below(top: BytePath, rules: IgnoreRules): IgnoreRules {
  const prefix = top === "" ? "" : `${pathText(top)}/`;
  const inside = <T>(path: string, other: T, ask: (name: string) => T): T => (path.startsWith(prefix) && path.length > prefix.length ? ask(path.slice(prefix.length)) : other);
  return {
    ignores: (path) => inside(path, false, (name) => rules.ignores(name)),
    mayContainIncluded: (path) => inside(path, true, (name) => rules.mayContainIncluded(name)),
    explain: (path) => inside(path, undefined, (name) => rules.explain(name)),
  };
}
