import type { Stage, StageInstruction } from "../parse/instruction.ts";
import { Lines, placeOf, shellText } from "./lines.ts";
import type { Proposal, Surveyed, Texts } from "./proposal.ts";
import { toolOf } from "./tools.ts";

/** Proposes a cache mount for what a RUN of root fetches, so that it is still there when the RUN has to run again. */
export function cacheMountProposals(lines: Lines, surveyed: Surveyed): Proposal[] {
  return lines.dockerfile.stages.flatMap((stage) => {
    if (stage.instructions.some(({ kind }) => kind === "USER")) return [];
    return stage.instructions.flatMap((run) => forRun(stage, run, surveyed));
  });
}

/** What is known to fetch faster than that is not worth a cache. Seconds. */
const WORTH = 3;

function forRun(stage: Stage, run: StageInstruction, { find, cost }: Surveyed): Proposal[] {
  const text = shellText(run);
  if ((cost(run.statement.rest.text) ?? WORTH) < WORTH) return [];
  if (text === undefined || run.kind !== "RUN" || run.mounts.length > 0 || /--no-cache|cache clean/.test(text)) return [];
  const tools = text.split(/\s*&&\s*/).flatMap((command) => toolOf(command) ?? []);
  const caches = [...new Set(tools.flatMap((tool) => tool.caches))];
  const manifests = find(/^/).filter((file) => tools.some((tool) => tool.manifests.test(file.slice(file.lastIndexOf("/") + 1))));
  if (caches.length === 0 || manifests.length === 0) return [];
  const place = placeOf(stage, run);
  const flags = caches.map((target) => `--mount=type=cache,target=${target} `).join("");
  return [
    {
      kind: "cache-mount",
      title: `keep what ${[...new Set(tools.map(({ name }) => name))].join(" and ")} fetched in a cache mount`,
      line: run.statement.line.firstLine,
      trial: { kind: "file", oneOf: manifests },
      drops: caches,
      apply: ({ dockerfile, ignore }: Texts) => {
        const now = new Lines(dockerfile);
        const found = now.find(place);
        if (found === undefined) return undefined;
        const [first, ...others] = now.written(found).slice(found.statement.line.firstLine - found.statement.lastLine - 1);
        const written = first!.replace(/^(\s*RUN\s+)/i, `$1${flags}`);
        return written === first ? undefined : { dockerfile: now.with({ without: [found], put: [{ lines: [...now.written(found).slice(0, found.statement.line.firstLine - found.statement.lastLine - 1), written, ...others], before: found }] }), ignore };
      },
    },
  ];
}
