import type { Advised } from "../../api/advise.ts";
import type { Advice, Basis, Change } from "../../explain/advice.ts";
import { unifiedDiff } from "../check/unified-diff.ts";
import { defineCommand } from "../command.ts";
import { humanSize } from "../format.ts";
import { handedFlags, handedOptions } from "../handed-flags.ts";
import { openFlags, openOptions } from "../open-flags.ts";
import { printable } from "../printable.ts";

export const command = defineCommand({
  name: "advise",
  summary: "Propose a better Dockerfile, each change tried and measured",
  usage: "[OPTIONS] [PATH]",
  examples: ["laminate advise", "laminate advise --apply app", "laminate advise --all --build-arg VERSION=2 -f docker/Dockerfile .", "laminate advise --format json > advice.json"],
  flags: {
    ...openFlags,
    ...handedFlags,
    all: { kind: "boolean", summary: "Show also what was tried and does not help, and why" },
    apply: { kind: "boolean", summary: "Write all changes that save, built once together, into the Dockerfile and .dockerignore" },
    format: { kind: "string", value: "json", choices: ["json"], summary: "Everything as JSON" },
  },
  arguments: { min: 0, max: 1 },
  async run(context, values, [path = "."]) {
    const [{ advise, applyAdvice }, { open }] = await Promise.all([import("../../api/advise.ts"), import("../open-laminate.ts")]);
    const options = { ...(await openOptions(context, values, path)), ...handedOptions(values, context.env), labels: {} };
    await using laminate = await open(context);
    const onTrial = (title: string): void => void context.stderr.write(printable(`trying: ${title}\n`));
    const advised = await advise(laminate, options, { events: () => {}, onTrial, signal: context.signal });
    context.stdout.write(values.format === undefined ? printable(text(advised, values.all === true)) : `${JSON.stringify(json(advised), null, 2)}\n`);
    if (values.apply === true) for (const file of await applyAdvice(advised)) context.stderr.write(printable(`written: ${file}\n`));
    return 0;
  },
});

function text(advised: Advised, all: boolean): string {
  const { dockerfile, context, changes, proposals, together } = advised;
  const good = proposals.filter(({ verdict }) => verdict === "saves");
  const left = proposals.filter((one) => !good.includes(one));
  const [most] = changes.files;
  const known = changes.builds === 0 ? "no build of it is recorded" : `${changes.builds === 1 ? "1 build" : `${changes.builds} builds`} recorded${most === undefined ? "" : `, ${most.name} changed in ${most.builds} of them`}`;
  return [
    `Advice for ${dockerfile} in ${context}: ${known}`,
    ...(proposals.length === 0 ? ["", "Nothing was found that is worth trying."] : []),
    ...good.flatMap((one, place) => ["", `${place + 1}. ${sentence(one)}`, ...evidence(one), patch(one, advised).trimEnd()]),
    ...(together === undefined || good.length < 2 ? [] : ["", sentence(together), ...evidence(together), patch(together, advised).trimEnd()]),
    ...(left.length === 0 ? [] : all ? ["", "Tried, and left out:", ...left.flatMap((one) => [`- ${sentence(one)}`, `  ${whyNot(one)}`, ...evidence(one)])] : ["", `${left.length === 1 ? "1 other change was" : `${left.length} other changes were`} tried, and left out: --all shows why`]),
    "",
  ].join("\n");
}

function sentence({ title, line }: Advice): string {
  return `${title[0]!.toUpperCase()}${title.slice(1)}${line === undefined ? "" : ` (line ${line})`}`;
}

/** Paths or directories named of each kind; all are in the JSON. */
const MOST_SHOWN = 10;

/** Paths, those of a deep directory together: a package manager's cache has thousands. */
function gathered(paths: readonly string[]): string[] {
  const groups = Map.groupBy(paths, (path) => path.split("/").slice(0, 4).join("/"));
  const names = [...groups].map(([top, own]) => (own.length === 1 ? own[0]! : `${top} (${own.length} paths)`));
  return names.length <= MOST_SHOWN ? names : [...names.slice(0, MOST_SHOWN), `and ${names.length - MOST_SHOWN} more`];
}

function evidence({ change, basis, before, after, differences, dropped, unsteady }: Advice): string[] {
  const list = (what: string, paths: readonly string[]): string[] => (paths.length === 0 ? [] : [`   ${what}: ${gathered(paths).join(", ")}`]);
  if (before === undefined || after === undefined || change === undefined) return [];
  const faster = before.seconds / after.seconds;
  return [
    `   built again after ${changeText(change)}: ${before.seconds.toFixed(2)}s before, ${after.seconds.toFixed(2)}s after, ${faster.toFixed(1)} times as fast`,
    ...(basis === undefined ? [] : [`   ${basisText(basis, change)}`]),
    ...(before.bytes === after.bytes ? [] : [`   layers: ${humanSize(before.bytes)} before, ${humanSize(after.bytes)} after`]),
    ...(differences.length === 0 ? [`   the images hold the same files, before that change and after it${dropped.length + unsteady.length > 0 ? ", but for these:" : ""}`] : []),
    ...list("meant to be gone", dropped),
    ...list("other in each build of the Dockerfile as it is, too", unsteady),
    ...list("differs", differences.map(({ kind, path }) => `${path} (${kind})`)),
  ];
}

function changeText(change: Change): string {
  return change.kind === "file" ? `${change.path} changed` : `the argument ${change.name} became ${JSON.stringify(change.value)}`;
}

function basisText({ recorded, builds }: Basis, change: Change): string {
  if (recorded > 0) return `that changed in ${recorded} of ${builds} recorded builds`;
  return `no recorded build had such a change${change.kind === "file" ? ": the youngest file of its kind was taken" : ""}`;
}

function whyNot({ verdict, reason }: Advice): string {
  if (verdict === "saves-nothing") return "it is not faster, or smaller, by more than chance";
  return verdict === "fails" ? `it does not build: ${reason}` : (reason ?? "");
}

function patch(advice: Advice, { before, files, dockerfile }: Advised): string {
  const texts = advice.texts!;
  const ignoreName = files.ignore.slice(files.ignore.lastIndexOf("/") + 1);
  const diffs = [unifiedDiff(before.dockerfile, texts.dockerfile, dockerfile), unifiedDiff(before.ignore ?? "", texts.ignore ?? "", ignoreName)];
  return diffs.join("");
}

function json(advised: Advised) {
  const told = (advice: Advice) => {
    const { texts, before, after, ...rest } = advice;
    const ratio = before === undefined || after === undefined ? {} : { before, after, ratio: before.seconds / after.seconds };
    return { ...rest, ...ratio, ...(texts === undefined ? {} : { patch: patch(advice, advised) }) };
  };
  const { before: _before, files: _files, proposals, together, ...rest } = advised;
  return { ...rest, proposals: proposals.map(told), ...(together === undefined ? {} : { together: told(together) }) };
}
