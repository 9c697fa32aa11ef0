import type { CopyInstruction, Stage, StageInstruction } from "../parse/instruction.ts";
import { beginning, copyLines, isContextCopy, Lines, type Parts, partsOf, placeOf, shellText, wholeDirectory, writtenFlags } from "./lines.ts";
import type { Proposal, Surveyed, Texts } from "./proposal.ts";
import { toolOf, type Tool } from "./tools.ts";

/**
 * Proposes to run what installs before the COPY of what changes often: a RUN behind a COPY of a whole directory is
 * moved before it, with a COPY of just the files that it reads.
 */
export function orderProposals(lines: Lines, surveyed: Surveyed): Proposal[] {
  return lines.dockerfile.stages.flatMap((stage) => stage.instructions.flatMap((instruction, place) => (isContextCopy(instruction) ? afterCopy(stage, instruction, place, surveyed) : [])));
}

/** A RUN that is known to take less is not worth a place of its own. Seconds. */
const WORTH = 0.3;

function afterCopy(stage: Stage, copy: CopyInstruction, place: number, surveyed: Surveyed): Proposal[] {
  return stage.instructions.slice(place + 1).flatMap((run) => {
    if (surveyed.cost(run.statement.rest.text)! < WORTH) return [];
    const install = installOf(run, copy, surveyed);
    return install === undefined ? [] : [proposal(stage, copy, run, { ...install, surveyed })];
  });
}

/** A RUN that needs little of what a COPY brings. */
interface Install {
  /** What it needs, by names in the directory that the COPY takes. */
  readonly parts: Parts;
  /** The commands that need no more than these; those left need all. */
  readonly first: string;
  readonly rest: string | undefined;
  readonly what: string;
}

function installOf(run: StageInstruction, copy: CopyInstruction, surveyed: Surveyed): Install | undefined {
  const text = shellText(run);
  if (text === undefined || copy.exclude.length > 0 || copy.switches.includes("parents")) return undefined;
  return tracedInstall(surveyed.reads(run.statement.rest.text, copy.statement.rest.text), copy, text, surveyed) ?? knownInstall(copy, text, surveyed);
}

/** By what was read, where that was watched: less than the COPY brings, and so little that a few lines can name it. */
function tracedInstall(reads: readonly string[] | undefined, copy: CopyInstruction, text: string, surveyed: Surveyed): Install | undefined {
  const directory = wholeDirectory(copy);
  if (reads === undefined || directory === undefined) return undefined;
  const below = beginning(directory);
  const parts = partsOf(reads, below, surveyed);
  if (parts === undefined || parts.files.length > MOST_FILES) return undefined;
  const taken = filesOf(parts, below, surveyed);
  if (surveyed.find(startsWith(below)).length <= taken.length) return undefined;
  return { parts, first: text, rest: undefined, what: `RUN ${text.length > 40 ? `${text.slice(0, 40)}…` : text}` };
}

/** A line that names more files than that is no longer read by people. */
const MOST_FILES = 12;

/** By the manifests that its tools are known to read. */
function knownInstall(copy: CopyInstruction, text: string, surveyed: Surveyed): Install | undefined {
  const commands = text.split(/\s*&&\s*/);
  // A command that changes the shell itself cannot be parted from those behind it.
  const last = commands.findLastIndex((command) => toolOf(command) !== undefined);
  if (last < 0 || !commands.slice(0, last).every((command) => toolOf(command) !== undefined || /^(?:rm|mkdir|echo|npm config|corepack) /.test(command))) return undefined;
  const tools = commands.slice(0, last + 1).flatMap((command) => toolOf(command) ?? []);
  const files = [...new Set(tools.flatMap((tool) => manifestsOf(tool, text, copy, surveyed)))].sort();
  if (files.length === 0 && tools.some(({ manifests }) => manifests.source !== "(?!)")) return undefined;
  const fetching = tools.find(({ fetches }) => fetches !== undefined);
  const first = fetching?.fetches ?? commands.slice(0, last + 1).join(" && ");
  const rest = fetching === undefined ? commands.slice(last + 1).join(" && ") : text;
  return { parts: { files, directories: [] }, first, rest: rest === "" ? undefined : rest, what: [...new Set(tools.map(({ name }) => name))].join(" and ") };
}

/** The manifests of a tool at the top of the one directory that the COPY takes whole. */
function manifestsOf(tool: Tool, text: string, copy: CopyInstruction, { find }: Surveyed): string[] {
  const directory = wholeDirectory(copy);
  if (directory === undefined) return [];
  const below = beginning(directory);
  const named = tool.named === undefined ? [] : [...text.matchAll(tool.named)].map(([, file]) => file!);
  return find(startsWith(below)).map((file) => file.slice(below.length)).filter((name) => tool.manifests.test(name) || named.includes(name));
}

/** All files that parts hold. */
function filesOf({ files, directories }: Parts, below: string, { find }: Surveyed): readonly string[] {
  return [...files.map((name) => `${below}${name}`), ...directories.flatMap((name) => find(startsWith(`${below}${name}/`)))];
}

function proposal(stage: Stage, copy: CopyInstruction, run: StageInstruction, { parts, first, rest, what, surveyed }: Install & { readonly surveyed: Surveyed }): Proposal {
  const [copyPlace, runPlace] = [placeOf(stage, copy), placeOf(stage, run)];
  const directory = wholeDirectory(copy) ?? "";
  const below = beginning(directory);
  const names = [...parts.files, ...parts.directories].map((name) => `${below}${name}`);
  return {
    kind: "order",
    title: names.length === 0 ? `run ${what} before ${copy.statement.keyword} ${copy.statement.rest.text}` : `copy ${names.join(", ")} alone for ${what}, and the rest behind it`,
    takes: `${copyPlace.stage} ${copyPlace.words} ${names.join(" ")}`,
    line: copy.statement.line.firstLine,
    trial: { kind: "source", except: filesOf(parts, below, surveyed), below: directory },
    drops: [],
    apply: ({ dockerfile, ignore }: Texts) => {
      const lines = new Lines(dockerfile);
      const [from, to] = [lines.find(copyPlace), lines.find(runPlace)];
      if (from === undefined || to === undefined || !isContextCopy(from) || to.kind !== "RUN" || from.statement.line.firstLine > to.statement.line.firstLine) return undefined;
      const needed = { lines: copyLines(from, below, parts), before: from };
      const moved = lines.written(from);
      if (rest === undefined) return { dockerfile: lines.with({ without: [from], put: [needed, { lines: moved, after: to }] }), ignore };
      const flags = writtenFlags(to);
      const parted = [[`RUN ${flags}${first}`], moved, [`RUN ${flags}${rest}`]].flat();
      return { dockerfile: lines.with({ without: [from, to], put: [needed, { lines: parted, before: to }] }), ignore };
    },
  };
}

function startsWith(text: string): RegExp {
  return new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}`);
}
