import type { RunOperation } from "../../graph/operation.ts";
import type { VertexId } from "../../graph/vertex.ts";
import { formatPlatform, type Platform } from "../../oci/platform.ts";
import type { Dockerfile, Network, Stage, StageInstruction } from "../parse/instruction.ts";
import type { MountFlag } from "../parse/mount.ts";
import { parseDockerfile, parseTrigger } from "../parse/parse.ts";
import { errorAt } from "../parse/statement.ts";
import { BuildArguments } from "./arguments.ts";
import { basePlatform, baseReference, checkReference, emptyImage, resolveImage } from "./base.ts";
import type { Entitlement } from "./entitlement.ts";
import { GraphBuilder } from "./graph-builder.ts";
import { proxyVariables } from "./proxy.ts";
import type { Lowered, ResolveBase, Warning } from "./result.ts";
import { lowerInstruction, type StageScope } from "./stage-lowering.ts";
import { originOf, StageState } from "./stage-state.ts";
import { baseStage, namesOf, sourceStage, targetStage } from "./stages.ts";
import { StepNames } from "./step-names.ts";

export interface LowerInput {
  /** The text of the Dockerfile. */
  readonly dockerfile: string;
  /** The name to call it by in errors. */
  readonly file: string;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly target?: string;
  readonly platform: Platform;
  /** What the build runs on (BUILDPLATFORM); without it, the target's platform. */
  readonly buildPlatform?: Platform;
  /** Labels of the command line: in the config, not in the history. */
  readonly labels: Readonly<Record<string, string>>;
  readonly resolveBase: ResolveBase;
  readonly network?: Network;
  /** What `--allow` names; the host's network for all steps allows it for each. */
  readonly allow?: readonly Entitlement[];
  /** Further lines of /etc/hosts for every RUN. */
  readonly hosts?: RunOperation["hosts"];
}

/** Brings a Dockerfile down to a graph of what its target needs, and to what the image says. Reads nothing but its input. Throws DockerfileError. */
export async function lower(input: LowerInput): Promise<Lowered> {
  const dockerfile = parseDockerfile(input.dockerfile, input.file);
  const target = targetStage(dockerfile, input.target);
  const lowering = new Lowering(input, dockerfile);
  const state = await lowering.stage(target);
  const labels = { ...state.config.Labels, ...input.labels };
  return {
    graph: lowering.graph.graph(state.vertex),
    platform: state.platform,
    config: { ...state.config, ...(Object.keys(labels).length === 0 ? {} : { Labels: labels }) },
    ...(state.author === undefined ? {} : { author: state.author }),
    baseHistory: state.baseHistory,
    steps: state.steps,
    warnings: lowering.warnings(),
    stages: namesOf(dockerfile.stages),
  };
}

/** One build's lowering: each needed stage once. */
class Lowering {
  readonly graph = new GraphBuilder();
  readonly #input: LowerInput;
  readonly #dockerfile: Dockerfile;
  readonly #args: BuildArguments;
  readonly #states = new Map<Stage, StageState>();

  constructor(input: LowerInput, dockerfile: Dockerfile) {
    this.#input = input;
    this.#dockerfile = dockerfile;
    const platforms = { build: input.buildPlatform ?? input.platform, target: input.platform };
    this.#args = new BuildArguments(
      input.buildArgs,
      platforms,
      input.target === undefined || input.target === "" ? "default" : input.target,
    );
    this.#args.declareGlobals(dockerfile);
  }

  /** A stage refers only to earlier ones, so this ends. */
  async stage(stage: Stage): Promise<StageState> {
    const known = this.#states.get(stage);
    if (known !== undefined) {
      return known;
    }
    const state = await this.#lowerStage(stage);
    this.#states.set(stage, state);
    return state;
  }

  warnings(): Warning[] {
    const { file } = this.#input;
    for (const stage of this.#dockerfile.stages) {
      for (const instruction of stage.instructions) {
        if (instruction.kind === "ARG") {
          this.#args.see(instruction);
        }
      }
    }
    const unused = this.#args.unconsumed();
    const message = `[Warning] One or more build-args [${unused.join(" ")}] were not consumed`;
    return unused.length === 0 ? [] : [{ rule: "UnusedBuildArg", message, file, line: 1 }];
  }

  async #lowerStage(stage: Stage): Promise<StageState> {
    const { from } = stage;
    const reference = baseReference(from, this.#args.lookup);
    const platform = basePlatform(from, this.#args.lookup, this.#input.platform);
    const base = baseStage(this.#dockerfile, from, reference, stage.index);
    if (base !== undefined) {
      return this.#continueStage(stage, base, from.platform === undefined ? undefined : platform);
    }
    if (reference === "scratch") {
      const start = { vertex: this.graph.scratch(), platform, author: undefined, baseHistory: [] };
      const state = new StageState({ ...start, config: emptyImage(platform).config! });
      return this.#lowerBody(
        stage,
        state,
        [],
        new StepNames(this.#label(stage), stage.instructions, false),
      );
    }
    return this.#startFromImage(stage, reference, platform);
  }

  async #continueStage(
    stage: Stage,
    base: Stage,
    platform: Platform | undefined,
  ): Promise<StageState> {
    const before = await this.stage(base);
    if (platform !== undefined && formatPlatform(platform) !== formatPlatform(before.platform)) {
      const problem = `stage ${JSON.stringify(base.name)} is for ${formatPlatform(before.platform)}, not ${formatPlatform(platform)}`;
      throw errorAt(stage.from.statement, stage.from.platform, "bad-argument", problem);
    }
    const onbuild = base.instructions.filter((instruction) => instruction.kind === "ONBUILD");
    const triggers = onbuild.map(({ trigger }) => parseTrigger(trigger, `ONBUILD of ${base.name}`));
    const state = new StageState({ ...before.start(), inherited: before });
    const names = new StepNames(this.#label(stage), [...triggers, ...stage.instructions], false);
    return this.#lowerBody(stage, state, triggers, names);
  }

  async #startFromImage(stage: Stage, reference: string, platform: Platform): Promise<StageState> {
    const { from } = stage;
    checkReference(from.statement, from.base, reference);
    const image = await resolveImage(
      this.#input.resolveBase,
      this.#dockerfile,
      stage,
      reference,
      platform,
    );
    const config = image.config ?? {};
    const triggers = (config.OnBuild ?? []).map((trigger) =>
      parseTrigger(trigger, `ONBUILD of ${reference}`),
    );
    const names = new StepNames(this.#label(stage), [...triggers, ...stage.instructions], true);
    const vertex = this.graph.image(reference, platform, {
      prefix: names.prefix(),
      stage: stage.name ?? `${stage.index}`,
      origin: originOf(from.statement),
    });
    const state = new StageState({
      vertex,
      platform,
      config,
      author: image.author,
      baseHistory: image.history ?? [],
    });
    return this.#lowerBody(stage, state, triggers, names);
  }

  async #lowerBody(
    stage: Stage,
    state: StageState,
    triggers: readonly StageInstruction[],
    names: StepNames,
  ): Promise<StageState> {
    const scope = this.#scope(stage, names);
    for (const trigger of triggers) {
      await lowerInstruction(trigger, state, scope, originOf(stage.from.statement));
    }
    for (const instruction of stage.instructions) {
      await lowerInstruction(instruction, state, scope);
    }
    return state;
  }

  #scope(stage: Stage, names: StepNames): StageScope {
    return {
      stage,
      graph: this.graph,
      args: this.#args,
      names,
      network: this.#input.network ?? "default",
      hosts: this.#input.hosts ?? [],
      proxies: proxyVariables(this.#input.buildArgs),
      allow: new Set([
        ...(this.#input.allow ?? []),
        ...(this.#input.network === "host" ? (["network.host"] as const) : []),
      ]),
      sourceOf: async (statement, from): Promise<VertexId | undefined> => {
        const source = sourceStage(this.#dockerfile, statement, from, stage);
        return source === undefined ? undefined : (await this.stage(source)).vertex;
      },
    };
  }

  /** Steps of a Dockerfile with one stage carry no name; an image of COPY --from counts as a stage here, as in BuildKit. */
  #label(stage: Stage): string {
    const { stages } = this.#dockerfile;
    const alone =
      stages.length === 1 &&
      !stage.instructions.some(
        (instruction) =>
          (instruction.kind === "COPY" && instruction.from !== undefined) ||
          (instruction.kind === "RUN" && instruction.mounts.some(hasSource)),
      );
    return alone ? "" : (stage.name ?? `stage-${stage.index}`);
  }
}

function hasSource({ fields }: MountFlag): boolean {
  return fields.some(({ key }) => key === "from");
}
