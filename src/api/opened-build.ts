import type { Readable } from "node:stream";
import type { Entitlement } from "../dockerfile/lower/entitlement.ts";
import { lower } from "../dockerfile/lower/lower.ts";
import { namedContext } from "../dockerfile/lower/named-context.ts";
import type { Lowered } from "../dockerfile/lower/result.ts";
import type { EventSink } from "../events/build-event.ts";
import { type BuildContext, type ContextWorld, openContext } from "../executors/context/build-context.ts";
import type { GitAccess } from "../executors/context/git-environment.ts";
import { slotOf } from "../explain/slot.ts";
import type { ContainerConfig, ImageConfig } from "../oci/image-config.ts";
import { goArchitecture, type Platform } from "../oci/platform.ts";
import type { HostEntry } from "../sandbox/sandbox.ts";
import { BaseResolver } from "./base-resolver.ts";
import type { BuildContexts, GivenContext } from "./build-contexts.ts";
import { isTrue, unmetArguments } from "./buildkit-arguments.ts";
import type { Laminate } from "./laminate.ts";
import { platformOf } from "./platform-of.ts";
import { runChecks } from "./run-checks.ts";

/** What says which steps a build has. */
export interface OpenOptions {
  /** A directory, `-`, a git or http(s) URL, a tar file. */
  readonly context: string;
  readonly file?: string;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly target?: string;
  readonly pull: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly network?: "default" | "none" | "host";
  /** What the Dockerfile may do beyond the ordinary. */
  readonly allow?: readonly Entitlement[];
  /** Further lines of /etc/hosts for RUN. */
  readonly hosts?: readonly HostEntry[];
  /** `os/architecture`; by default this machine's. */
  readonly platform?: string;
  readonly stdin?: Readable;
  readonly cwd: string;
  /** Further contexts, which stand for stages and images of their names. */
  readonly contexts?: readonly GivenContext[];
}

export interface OpenWorld {
  /** For private git repositories. */
  readonly access: GitAccess;
  readonly events: EventSink;
  readonly signal: AbortSignal;
  /** Layers of images that are not here are fetched when they are asked for. */
  readonly lazy?: boolean;
  /** What stands for an image that is not here; without it that is fetched. */
  readonly absent?: (reference: string, platform: Platform) => ImageConfig;
}

/** A build before its first step: where its files are, its images' configs, and its graph. What was learned of the files is kept when it is disposed of. */
export interface OpenedBuild extends Disposable {
  readonly context: BuildContext;
  readonly contexts: BuildContexts;
  readonly bases: BaseResolver;
  readonly lowered: Lowered;
  readonly platform: Platform;
  /** What makes builds comparable. */
  readonly slot: string;
}

/** Opens the contexts of a build and brings its Dockerfile down to a graph; says what is wrong with it. Throws DockerfileError, ExecuteError, BuildFailure. */
export async function openBuild(laminate: Laminate, options: OpenOptions, { access, events, signal, absent, lazy }: OpenWorld): Promise<OpenedBuild> {
  const { store, env } = laminate;
  const unmet = unmetArguments(options.buildArgs);
  const machine: Platform = { os: "linux", architecture: goArchitecture(process.arch) };
  const platform = options.platform === undefined ? machine : platformOf(options.platform, machine);
  const { file, stdin, target, network, hosts, cwd } = options;
  const world = { cwd, store, env, signal, access };
  const contexts = await namedContexts(options.contexts, world);
  const context = await openContext({
    ...world,
    context: options.context,
    keepGitDirectory: isTrue(options.buildArgs["BUILDKIT_CONTEXT_KEEP_GIT_DIR"]),
    ...(file === undefined ? {} : { file }),
    ...(stdin === undefined ? {} : { stdin }),
  });
  using learned = new DisposableStack();
  learned.defer(() => [context, contexts].forEach((one) => one.keep?.()));
  const bases = new BaseResolver(laminate, { pull: options.pull, given: contexts.bases, events, signal, lazy, ...(absent === undefined ? {} : { absent }) });
  const configs = new Map<string, ContainerConfig>();
  const lowered = await lower({
    dockerfile: context.dockerfile.text,
    file: context.dockerfile.name,
    buildArgs: options.buildArgs,
    labels: options.labels,
    platform,
    buildPlatform: machine,
    resolveBase: async (reference, wanted) => {
      const config = await bases.resolve(reference, wanted);
      configs.set(reference, config.config ?? {});
      return config;
    },
    ...(target === undefined ? {} : { target }),
    ...(network === undefined ? {} : { network }),
    ...(hosts === undefined ? {} : { hosts }),
    ...(options.allow === undefined ? {} : { allow: options.allow }),
    contexts: contexts.named,
  });
  for (const message of [...unmet, ...lowered.warnings.map((warning) => warning.message)]) {
    events({ type: "warning", message, time: Date.now() });
  }
  runChecks(context, events, {
    buildArgs: options.buildArgs,
    platform,
    buildPlatform: machine,
    baseConfig: (reference) => {
      const instead = namedContext(contexts.named, reference);
      return configs.get(instead?.kind === "image" ? instead.reference : reference);
    },
    onlyNeeded: true,
    ...(target === undefined ? {} : { target }),
    ...(context.ignore === undefined ? {} : { ignore: context.ignore }),
  });
  const kept = learned.move();
  return { context, contexts, bases, lowered, platform, slot: slotOf([...context.slot, target ?? "", options.platform ?? ""]), [Symbol.dispose]: () => kept.dispose() };
}

async function namedContexts(given: readonly GivenContext[] = [], world: ContextWorld): Promise<BuildContexts> {
  if (given.length > 0) return await (await import("./build-contexts.ts")).openContexts(given, world);
  return { named: new Map(), bases: new Map(), files: () => Promise.reject(new Error("Internal error: there is no named context")), keep: () => {} };
}
