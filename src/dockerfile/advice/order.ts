import type { CopyInstruction, Stage, StageInstruction } from "../parse/instruction.ts";
import { isContextCopy, Lines, placeOf, shellText, writtenFlags } from "./lines.ts";
import type { Proposal, Surveyed, Texts } from "./proposal.ts";
import { toolOf, type Tool } from "./tools.ts";

/**
 * Proposes to run what installs before the COPY of what changes often: a RUN behind a COPY of a whole directory is
 * moved before it, with a COPY of just the files that it reads.
 */
export function orderProposals(lines: Lines, surveyed: Surveyed): Proposal[] {
  return lines.dockerfile.stages.flatMap((stage) => stage.instructions.flatMap((instruction, place) => (isContextCopy(instruction) ? afterCopy(stage, instruction, place, surveyed) : [])));
}

function afterCopy(stage: Stage, copy: CopyInstruction, place: number, surveyed: Surveyed): Proposal[] {
  return stage.instructions.slice(place + 1).flatMap((run) => {
    if (surveyed.cost(run.statement.rest.text)! < WORTH) return [];
    const install = installOf(stage, run, copy, surveyed);
    return install === undefined ? [] : [proposal(stage, copy, run, install)];
  });
}

/** A RUN that is known to take less is not worth a place of its own. Seconds. */
const WORTH = 0.3;

/** A RUN that needs little of what a COPY brings. */
interface Install {
  /** The files that it needs, as the COPY would name them. */
  readonly files: readonly string[];
  /** The commands that need no more than these; those left need all. */
  readonly first: string;
  readonly rest: string | undefined;
  readonly what: string;
}

function installOf(stage: Stage, run: StageInstruction, copy: CopyInstruction, surveyed: Surveyed): Install | undefined {
  const text = shellText(run);
  const [source] = copy.sources;
  if (text === undefined || source === undefined || copy.exclude.length > 0 || copy.switches.includes("parents")) return undefined;
  const traced = tracedInstall(surveyed.reads(run.statement.rest.text, copy.statement.rest.text), copy, text, surveyed);
  if (traced !== undefined) return traced;
  const commands = text.split(/\s*&&\s*/);
  // A command that changes the shell itself cannot be parted from those behind it.
  const last = commands.findLastIndex((command) => toolOf(command) !== undefined);
  if (last < 0 || !commands.slice(0, last).every((command) => toolOf(command) !== undefined || /^(?:rm|mkdir|echo|npm config|corepack) /.test(command))) return undefined;
  const tools = commands.slice(0, last + 1).flatMap((command) => toolOf(command) ?? []);
  const files = [...new Set(tools.flatMap((tool) => filesOf(tool, text, copy, surveyed)))];
  const needsFiles = tools.some(({ manifests }) => manifests.source !== "(?!)");
  if (needsFiles && (files.length === 0 || files.length === copy.sources.length && files.every((file) => copy.sources.some(({ text: one }) => one === file)))) return undefined;
  const fetching = tools.find(({ fetches }) => fetches !== undefined);
  const first = fetching?.fetches ?? commands.slice(0, last + 1).join(" && ");
  const rest = fetching === undefined ? commands.slice(last + 1).join(" && ") : text;
  return { files, first, rest: rest === "" ? undefined : rest, what: [...new Set(tools.map(({ name }) => name))].join(" and ") };
}

/** The manifests of a tool in the one directory that the COPY takes whole. */
function filesOf(tool: Tool, text: string, copy: CopyInstruction, { find }: Surveyed): string[] {
  const directory = wholeDirectory(copy);
  if (directory === undefined) return [];
  const named = tool.named === undefined ? [] : [...text.matchAll(tool.named)].map(([, file]) => file!);
  const below = directory === "" ? "" : `${directory}/`;
  const found = find(new RegExp(`^${escape(below)}`)).filter((file) => tool.manifests.test(file.slice(below.length)) || named.includes(file.slice(below.length)));
  return [...found].sort();
}

/** The directory of the context that a COPY takes whole: "" for all of it. */
export function wholeDirectory({ sources }: CopyInstruction): string | undefined {
  const [only] = sources;
  if (sources.length !== 1 || only === undefined || /[$*?[]/.test(only.text)) return undefined;
  return only.text.replace(/^\.?\/+/, "").replace(/\/+$/, "").replace(/^\.$/, "");
}

/** By what was read, where that was watched: fewer files than the COPY brings, and so few that a line can name them. */
function tracedInstall(reads: readonly string[] | undefined, copy: CopyInstruction, text: string, { find }: Surveyed): Install | undefined {
  const directory = wholeDirectory(copy);
  if (reads === undefined || directory === undefined || reads.length > MOST_FILES || reads.some((file) => /\s/.test(file))) return undefined;
  const below = directory === "" ? "" : `${directory}/`;
  const files = reads.map((file) => `${below}${file}`);
  const all = find(new RegExp(`^${escape(below)}`));
  // A COPY of several files puts them all into one directory.
  if (all.length <= files.length || reads.some((file) => file.includes("/"))) return undefined;
  return { files, first: text, rest: undefined, what: `RUN ${text.length > 40 ? `${text.slice(0, 40)}…` : text}` };
}

/** A COPY that names more files than that is no longer read by people. */
const MOST_FILES = 12;

function proposal(stage: Stage, copy: CopyInstruction, run: StageInstruction, { files, first, rest, what }: Install): Proposal {
  const [copyPlace, runPlace] = [placeOf(stage, copy), placeOf(stage, run)];
  const directory = wholeDirectory(copy) ?? "";
  return {
    kind: "order",
    title: files.length === 0 ? `run ${what} before ${copy.statement.keyword} ${copy.statement.rest.text}` : `copy ${files.join(", ")} alone for ${what}, and the rest behind it`,
    line: copy.statement.line.firstLine,
    trial: { kind: "source", except: files, below: directory },
    drops: [],
    apply: ({ dockerfile, ignore }: Texts) => {
      const lines = new Lines(dockerfile);
      const [from, to] = [lines.find(copyPlace), lines.find(runPlace)];
      if (from === undefined || to === undefined || !isContextCopy(from) || to.kind !== "RUN" || from.statement.line.firstLine > to.statement.line.firstLine) return undefined;
      const destination = from.destination.text.endsWith("/") ? from.destination.text : `${from.destination.text}/`;
      const manifests = files.length === 0 ? [] : [`${from.statement.keyword} ${writtenFlags(from)}${files.join(" ")} ${destination}`];
      const moved = lines.written(from);
      if (rest === undefined) return { dockerfile: lines.with({ without: [from], put: [{ lines: manifests, before: from }, { lines: moved, after: to }] }), ignore };
      const flags = writtenFlags(to);
      const parts = [[`RUN ${flags}${first}`], moved, [`RUN ${flags}${rest}`]].flat();
      return { dockerfile: lines.with({ without: [from, to], put: [{ lines: manifests, before: from }, { lines: parts, before: to }] }), ignore };
    },
  };
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
