import { unreachable } from "../../base/unreachable.ts";
import type { RunOperation } from "../../graph/operation.ts";
import type { VertexId } from "../../graph/vertex.ts";
import type { ContainerConfig } from "../../oci/image-config.ts";
import type { Platform } from "../../oci/platform.ts";
import type { Dockerfile, FromInstruction, Network, Stage } from "../parse/instruction.ts";
import type { MountFlag } from "../parse/mount.ts";
import { parseDockerfile } from "../parse/parse.ts";
import { BuildArguments } from "./arguments.ts";
import { basePlatform, baseReference, checkReference, emptyImage, resolveImage } from "./base.ts";
import type { Entitlement } from "./entitlement.ts";
import { GraphBuilder } from "./graph-builder.ts";
import { proxyVariables } from "./proxy.ts";
import { namedContext, type NamedContext, type NamedContexts } from "./named-context.ts";
import type { HistoryStep, Lowered, ResolveBase, Warning } from "./result.ts";
import { lowerInstruction, type StageScope } from "./stage-lowering.ts";
import { originOf, StageState } from "./stage-state.ts";
import { baseStage, namesOf, refuseCase, sourceStage, targetStage } from "./stages.ts";
import { StepNames } from "./step-names.ts";
import { placed, readTrigger, type Trigger } from "./triggers.ts";
import { whyBlank } from "./why-blank.ts";

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
  /** What `--build-context` names. */
  readonly contexts?: NamedContexts;
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
    config: withoutEmpty({ ...state.config, Labels: labels }),
    ...(state.author === undefined ? {} : { author: state.author }),
    baseHistory: state.baseHistory,
    steps: state.steps,
    warnings: lowering.warnings(),
    stages: namesOf(dockerfile.stages),
  };
}

/** Members that are empty are not written, as in Docker's JSON. */
function withoutEmpty(config: ContainerConfig): ContainerConfig {
  const empty = (value: unknown) => value === null || value === "" || (typeof value === "object" && Object.keys(value).length === 0);
  return Object.fromEntries(Object.entries(config).filter(([, value]) => !empty(value)));
}

/** One build's lowering: each needed stage once. */
class Lowering {
  readonly graph = new GraphBuilder();
  readonly #input: LowerInput;
  readonly #dockerfile: Dockerfile;
  readonly #args: BuildArguments;
  readonly #states = new Map<Stage, StageState>();
  readonly #contexts: NamedContexts;

  constructor(input: LowerInput, dockerfile: Dockerfile) {
    this.#input = input;
    this.#contexts = input.contexts ?? new Map();
    this.#dockerfile = dockerfile;
    const platforms = { build: input.buildPlatform ?? input.platform, target: input.platform };
    this.#args = new BuildArguments(
      input.buildArgs,
      platforms,
      input.target || dockerfile.stages.at(-1)!.name || "default",
    );
    this.#args.declareGlobals(dockerfile);
    for (const { from, index } of dockerfile.stages) this.#checkBase(from, index);
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

  /** What BuildKit refuses in a FROM that nobody needs, too. */
  #checkBase(from: FromInstruction, index: number): void {
    const reference = baseReference(this.#dockerfile, from, this.#args);
    basePlatform(this.#dockerfile, from, this.#args, this.#input.platform);
    const base = baseStage(this.#dockerfile, reference, index);
    if (base !== undefined) return refuseCase(from, base, reference);
    if (reference === "scratch" || this.#context(reference) !== undefined) return;
    const why = whyBlank(this.#dockerfile, from.statement, from.base, this.#args);
    checkReference(from.statement, from.base, reference, why);
  }

  async #lowerStage(stage: Stage): Promise<StageState> {
    // Thousands of stages FROM one another would not fit on one stack.
    await undefined;
    const { from } = stage;
    const reference = baseReference(this.#dockerfile, from, this.#args);
    const platform = basePlatform(this.#dockerfile, from, this.#args, this.#input.platform);
    const instead = stage.name === undefined ? undefined : this.#context(stage.name);
    if (instead !== undefined) {
      // The context is there in the place of the stage, instructions and all (BuildKit, dockerfile2llb).
      return this.#startFromContext({ ...stage, instructions: [] }, instead, platform);
    }
    const base = baseStage(this.#dockerfile, reference, stage.index);
    if (base !== undefined) {
      return this.#continueStage(stage, base);
    }
    const context = this.#context(reference);
    if (context !== undefined) {
      return this.#startFromContext(stage, context, platform);
    }
    if (reference === "scratch") {
      // Its image is for the target's platform, whatever FROM says: there is nothing in it that could run elsewhere.
      return this.#startFromFiles(stage, this.graph.scratch(), this.#input.platform);
    }
    return this.#startFromImage(stage, reference, platform);
  }

  #context(written: string): (NamedContext & { readonly name: string }) | undefined {
    return namedContext(this.#contexts, written);
  }

  async #startFromContext(
    stage: Stage,
    context: NamedContext & { readonly name: string },
    platform: Platform,
  ): Promise<StageState> {
    switch (context.kind) {
      case "empty":
        return this.#startFromFiles(stage, this.graph.scratch(), platform);
      case "files": {
        const vertex = this.graph.contextTree(context.name);
        const layer = { created_by: `[context ${context.name}]`, comment: "buildkit.exporter.image.v0", vertex };
        return this.#startFromFiles(stage, vertex, platform, [layer]);
      }
      case "image":
        return this.#startFromImage(stage, context.reference, platform, context);
      default:
        return unreachable(context);
    }
  }

  /** A tree without a config. */
  async #startFromFiles(
    stage: Stage,
    vertex: VertexId,
    platform: Platform,
    steps: readonly HistoryStep[] = [],
  ): Promise<StageState> {
    const { config = {} } = emptyImage(platform);
    const state = new StageState({ vertex, platform, config, author: undefined, baseHistory: [] });
    state.steps.push(...steps);
    const names = new StepNames(this.#label(stage), stage.instructions, false);
    return this.#lowerBody(stage, state, [], names);
  }

  /** A platform of such a FROM means nothing: it is that of the stage it names, as in BuildKit. */
  async #continueStage(stage: Stage, base: Stage): Promise<StageState> {
    const before = await this.stage(base);
    const onbuild = base.instructions.filter((instruction) => instruction.kind === "ONBUILD");
    const triggers = onbuild.map((instruction) => readTrigger(stage.from, instruction));
    const state = new StageState({ ...before.start(), inherited: before });
    const instructions = [...triggers.map((trigger) => trigger.instruction), ...stage.instructions];
    const names = new StepNames(this.#label(stage), instructions, false);
    return this.#lowerBody(stage, state, triggers, names);
  }

  /** `context` is the named context that the image comes from, where it is not FROM's own. */
  async #startFromImage(
    stage: Stage,
    reference: string,
    platform: Platform,
    context?: { readonly name: string; readonly reference: string; readonly shown: string },
  ): Promise<StageState> {
    const { from } = stage;
    const image = await resolveImage(this.#input.resolveBase, {
      dockerfile: this.#dockerfile,
      stage,
      reference,
      platform,
      context: context?.name,
      contexts: [...this.#contexts.keys()],
    });
    const config = image.config ?? {};
    const triggers = (config.OnBuild ?? []).map((trigger) => readTrigger(from, trigger));
    const steps = [...triggers.map((trigger) => trigger.instruction), ...stage.instructions];
    const names = new StepNames(this.#label(stage), steps, context === undefined);
    const vertex =
      context !== undefined
        ? this.graph.contextImage(context.name, context, platform)
        : this.graph.image(reference, platform, {
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
    triggers: readonly Trigger[],
    names: StepNames,
  ): Promise<StageState> {
    const scope = this.#scope(stage, names, state.platform);
    for (const trigger of triggers) {
      await placed(trigger, () =>
        lowerInstruction(trigger.instruction, state, scope, originOf(stage.from.statement)),
      );
    }
    for (const instruction of stage.instructions) {
      await lowerInstruction(instruction, state, scope);
    }
    return state;
  }

  #scope(stage: Stage, names: StepNames, platform: Platform): StageScope {
    return {
      stage,
      graph: this.graph,
      args: this.#args,
      names,
      machine: this.#input.buildPlatform ?? this.#input.platform,
      network: this.#input.network ?? "default",
      hosts: this.#input.hosts ?? [],
      hostname: this.#input.buildArgs["BUILDKIT_SANDBOX_HOSTNAME"] || undefined,
      cacheNamespace: this.#input.buildArgs["BUILDKIT_CACHE_MOUNT_NS"] || undefined,
      proxies: proxyVariables(this.#input.buildArgs),
      allow: new Set([
        ...(this.#input.allow ?? []),
        ...(this.#input.network === "host" ? (["network.host"] as const) : []),
      ]),
      sourceOf: async (statement, from, wanted): Promise<VertexId | undefined> => {
        const source = sourceStage(this.#dockerfile, statement, from, stage);
        const context = this.#context(source === undefined ? from.value! : (source.name ?? ""));
        if (context?.kind === "files") {
          return wanted === "tree" ? this.graph.contextTree(context.name) : this.graph.context(context.name);
        }
        if (source !== undefined) return (await this.stage(source)).vertex;
        if (context?.kind === "empty") return this.graph.scratch();
        return context === undefined ? undefined : this.graph.contextImage(context.name, context, platform);
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
