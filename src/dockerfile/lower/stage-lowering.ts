import type { Origin, RunMount, RunOperation } from "../../graph/operation.ts";
import type { VertexId } from "../../graph/vertex.ts";
import { runsOn } from "../../oci/choose-platform.ts";
import type { Platform } from "../../oci/platform.ts";
import { errorAt, type Flag, type Statement } from "../parse/statement.ts";
import type {
  CopyInstruction,
  Network,
  RunInstruction,
  Stage,
  StageInstruction,
  WorkdirInstruction,
} from "../parse/instruction.ts";
import type { BuildArguments } from "./arguments.ts";
import { checkReference } from "./base.ts";
import { lowerCopy, parseOwner } from "./copy.ts";
import type { Entitlement } from "./entitlement.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import { lowerMounts } from "./mounts.ts";
import { processOf } from "./script.ts";
import { applySetting, joinWorkdir } from "./settings.ts";
import { originOf, type StageState } from "./stage-state.ts";
import type { StepNames } from "./step-names.ts";

/** What the instructions of a stage need of the build around them. */
export interface StageScope {
  readonly stage: Stage;
  readonly graph: GraphBuilder;
  readonly args: BuildArguments;
  readonly names: StepNames;
  /** What the build runs on. */
  readonly machine: Platform;
  readonly network: Network;
  readonly hosts: NonNullable<RunOperation["hosts"]>;
  /** BUILDKIT_SANDBOX_HOSTNAME: the name of the machine that a RUN sees. */
  readonly hostname: string | undefined;
  /** BUILDKIT_CACHE_MOUNT_NS: builds of another namespace have other cache mounts. */
  readonly cacheNamespace: string | undefined;
  /** Proxy variables of every RUN. */
  readonly proxies: ReadonlyMap<string, string>;
  /** What the command line allows beyond the ordinary (`--allow`). */
  readonly allow: ReadonlySet<Entitlement>;
  /** The tree of an earlier stage; undefined when the flag names an image. */
  sourceOf(statement: Statement, from: Flag, wanted: "files" | "tree"): Promise<VertexId | undefined>;
}

/** Applies one instruction to the state of its stage, adding the vertex that it needs. `origin` is given for ONBUILD triggers. */
export async function lowerInstruction(
  instruction: StageInstruction,
  state: StageState,
  scope: StageScope,
  origin?: Origin,
): Promise<void> {
  switch (instruction.kind) {
    case "ARG":
      return scope.args.declare(instruction, state);
    case "RUN":
      return lowerRun(instruction, state, scope, origin);
    case "COPY":
    case "ADD":
      return lowerFiles(instruction, state, scope, origin);
    case "WORKDIR":
      return lowerWorkdir(instruction, state, scope, origin);
    case "ONBUILD":
      state.config = {
        ...state.config,
        OnBuild: [...(state.config.OnBuild ?? []), instruction.trigger],
      };
      return;
    default:
      return applySetting(instruction, state);
  }
}

async function lowerRun(
  instruction: RunInstruction,
  state: StageState,
  scope: StageScope,
  origin: Origin | undefined,
): Promise<void> {
  const { statement } = instruction;
  const { mounts, inputs } = await lowerMounts(statement, instruction.mounts, state, (from, wanted) =>
    treeOf(statement, from, state, scope, wanted),
  );
  checkAllowed(instruction, scope);
  const { argv, script, shown } = processOf(instruction, state);
  const proxies = [...scope.proxies]
    .filter(([name]) => !state.variables.has(name))
    .map(([name, value]) => `${name}=${value}`);
  const vertex = scope.graph.add({
    operation: {
      kind: "run",
      argv,
      env: state.entries("env"),
      args: state.entries("arg"),
      ...(proxies.length === 0 ? {} : { proxies }),
      workdir: joinWorkdir(state.config.WorkingDir, ""),
      user: state.config.User === undefined || state.config.User === "" ? "0" : state.config.User,
      network: (instruction.network?.value as Network | undefined) ?? scope.network,
      ...(runsOn(state.platform, scope.machine) ? {} : { platform: state.platform }),
      ...(instruction.security?.value === "insecure" ? { insecure: true } : {}),
      ...(mounts.length === 0 ? {} : { mounts: mounts.map((mount) => ofNamespace(mount, scope)) }),
      ...(scope.hostname === undefined ? {} : { hostname: scope.hostname }),
      ...(scope.hosts.length === 0 ? {} : { hosts: scope.hosts }),
      ...(script === undefined ? {} : { script }),
    },
    inputs: [state.vertex, ...inputs],
    ...placeOf(instruction, state, scope, origin),
  });
  const declared = [...state.declared].map(
    ([name, value]) => `${name}=${state.lookup(name) ?? value}`,
  );
  const words = [...(declared.length === 0 ? [] : [`|${declared.length}`, ...declared]), ...shown];
  state.vertex = vertex;
  state.record(`RUN ${words.join(" ")} # buildkit`, vertex);
}

function ofNamespace(mount: RunMount, { cacheNamespace }: StageScope): RunMount {
  return mount.type === "cache" && cacheNamespace !== undefined ? { ...mount, id: `${cacheNamespace}/${mount.id}` } : mount;
}

async function lowerFiles(
  instruction: CopyInstruction,
  state: StageState,
  scope: StageScope,
  origin: Origin | undefined,
): Promise<void> {
  const { operation, created_by } = lowerCopy(instruction, state);
  const needsSource = operation.sources.length > 0;
  const source = needsSource
    ? await treeOf(instruction.statement, instruction.from, state, scope)
    : undefined;
  const vertex = scope.graph.add({
    operation,
    inputs: source === undefined ? [state.vertex] : [state.vertex, source],
    ...placeOf(instruction, state, scope, origin),
  });
  state.vertex = vertex;
  state.record(created_by, vertex);
}

/** The files that COPY --from or the `from` of a mount names; without one the build context. */
async function treeOf(
  statement: Statement,
  from: Flag | undefined,
  state: StageState,
  scope: StageScope,
  wanted: "files" | "tree" = "files",
): Promise<VertexId> {
  if (from === undefined || from.value === "") {
    return scope.graph.context();
  }
  if (from.value!.includes("$")) {
    const problem = `--from does not replace variables: ${JSON.stringify(from.value)}`;
    throw errorAt(statement, from, "bad-argument", problem, {
      hint: `give it a name, FROM ${from.value} AS source, and copy from that: --from=source`,
    });
  }
  const stage = await scope.sourceOf(statement, from, wanted);
  if (stage !== undefined) {
    return stage;
  }
  if (from.value === "scratch" && from.name === "mount") {
    return scope.graph.scratch();
  }
  if (from.value === "scratch") {
    throw errorAt(statement, from, "bad-argument", "there is nothing in scratch to copy");
  }
  checkReference(statement, from, from.value!);
  return scope.graph.image(from.value!, state.platform, {
    prefix: "",
    origin: originOf(statement),
  });
}

/** Refuses what breaks the wall around a step unless the command line allows it, as BuildKit's entitlements do. */
function checkAllowed({ statement, network, security }: RunInstruction, scope: StageScope): void {
  const wanted: readonly (readonly [Flag | undefined, string, Entitlement])[] = [
    [network, "host", "network.host"],
    [security, "insecure", "security.insecure"],
  ];
  for (const [flag, value, entitlement] of wanted) {
    if (flag?.value === value && !scope.allow.has(entitlement)) {
      throw errorAt(
        statement,
        flag,
        "not-allowed",
        `RUN --${flag.name}=${value} is not allowed`,
        { hint: `laminate build --allow ${entitlement} allows it` },
      );
    }
  }
}

function lowerWorkdir(
  instruction: WorkdirInstruction,
  state: StageState,
  scope: StageScope,
  origin: Origin | undefined,
): void {
  const { statement, value } = instruction;
  const path = joinWorkdir(state.config.WorkingDir, state.expand(statement, value));
  state.config = { ...state.config, WorkingDir: path };
  if (path === "/") {
    return state.record("WORKDIR /");
  }
  const { User } = state.config;
  const owner = User === undefined || User === "" ? {} : { owner: parseOwner(User) };
  const vertex = scope.graph.add({
    operation: { kind: "mkdir", path, ...owner },
    inputs: [state.vertex],
    ...placeOf(instruction, state, scope, origin),
  });
  state.vertex = vertex;
  state.record(`WORKDIR ${path}`, vertex);
}

function placeOf(
  instruction: StageInstruction,
  state: StageState,
  scope: StageScope,
  origin: Origin | undefined,
): { name: string; stage: string; origin: Origin } {
  const { statement } = instruction;
  return {
    name: scope.names.name(statement, state.lookup, origin !== undefined),
    stage: scope.stage.name ?? `${scope.stage.index}`,
    origin: origin ?? originOf(statement),
  };
}
