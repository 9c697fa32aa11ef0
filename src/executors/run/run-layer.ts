import { mkdirSync } from "node:fs";
import type { RunOperation } from "../../graph/operation.ts";
import { type DiffId, isDigest } from "../../oci/digest.ts";
import { formatPlatform } from "../../oci/platform.ts";
import type { StepBounds, StepMount, StepNetwork, StepReads } from "../../sandbox/sandbox.ts";
import { type BytePath, pathText } from "../../base/byte-path.ts";
import type { ExecuteContext } from "../../solver/backend.ts";
import { readIdentity, readIndex } from "../../store/layers/index-file.ts";
import type { Tree } from "../../store/layers/tree.ts";
import type { MadeLayer } from "../made-layer.ts";
import { ExecuteError } from "../execute-error.ts";
import type { Value } from "../value.ts";
import { sameOrder } from "./same-order.ts";
import { readyMounts, type MountWorld } from "./run-mounts.ts";

const TABLE = "run-layers";

export interface RunWorld extends MountWorld {
  /** Told which network a step got. */
  readonly onNetwork: (network: StepNetwork) => void;
  /** Asks which files a step reads, and is told; undefined where nobody asks. In no key: a step reads the same whether it is watched or not. */
  readonly onReads: ((reads: RunReads) => void) | undefined;
  /** What each step may take of the machine: in no key, as it bounds a step and does not change it. */
  readonly bounds: StepBounds | undefined;
  /** Whether another command of this build stands on what the step gives, and so can look at its times. */
  readonly stoodOn: boolean;
}

/** The files that a RUN read of the tree that it stands on, each with the layer that it is of; or why that is not known. */
export type RunReads = { readonly files: readonly ReadPath[]; readonly directories: readonly ReadPath[] } | { readonly reason: string };

export interface ReadPath {
  /** Absolute, as text. */
  readonly path: string;
  readonly layer: DiffId;
}

/**
 * Runs a RUN's command over a stack of layers and puts what it changed into the store as a layer. Where an earlier run
 * left the same files, that layer is kept, so that what stands on it need not be made again; but not where a command
 * that stands on it would see its files older than those that they were made from.
 * Throws {@link ExecuteError} with the command's exit code; nothing of a failed command is kept.
 */
export async function runLayer(operation: RunOperation, base: readonly DiffId[], inputs: readonly Value[], world: RunWorld, context: ExecuteContext): Promise<MadeLayer> {
  const { store, sandbox } = world;
  const lowers = (await Promise.all(base.map((diffId) => store.layers.lowers(diffId, sandbox)))).flat();
  using ready = await readyMounts(operation, inputs, world, context.signal);
  const scratch = store.temporaryDirectory();
  mkdirSync(scratch, { recursive: true });
  try {
    const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
    const result = await sandbox.runStep(
      {
        lowers,
        scratch,
        argv: operation.argv,
        env: [...ready.agentEnv, ...operation.env, ...operation.args, ...(operation.proxies ?? [])],
        cwd: operation.workdir,
        user: operation.user,
        network: operation.network,
        hostname: operation.hostname ?? "buildkitsandbox",
        mounts: [...ready.mounts, ...scriptMount(operation)],
        secretEnv: ready.secretEnv,
        ...(operation.insecure === undefined ? {} : { insecure: operation.insecure }),
        ...(operation.hosts === undefined ? {} : { addHosts: operation.hosts }),
        ...(world.bounds === undefined ? {} : { bounds: world.bounds }),
        ...(world.onReads === undefined ? {} : { trace: true }),
      },
      { signal: context.signal, onOutput: (stream, data) => context.log(stream, decoders[stream].decode(data, { stream: true })) },
    );
    world.onNetwork(result.network);
    if (result.exitCode !== 0 || result.layer === undefined) {
      const command = operation.argv.join(" ");
      throw new ExecuteError("command-failed", `process ${JSON.stringify(command)} did not complete successfully: exit code: ${result.exitCode}`, { exitCode: result.exitCode, ...emulatorHint(operation) });
    }
    const { layer } = result;
    if (result.reads !== undefined) world.onReads?.(await readsOf(result.reads, await world.trees.tree(base)));
    const key = readIdentity(layer.index) ?? (await readIndex(layer.index)).identity;
    const earlier = store.records.get(TABLE, key, isDigest) as DiffId | undefined;
    if (earlier !== undefined) {
      store.leases.hold(earlier);
      if (store.layers.has(earlier) && (!world.stoodOn || sameOrder(await store.layers.index(earlier), await readIndex(layer.index), await world.trees.tree(base)))) return { diffId: earlier };
    }
    await store.layers.adoptDirectory(layer, sandbox.dialect);
    return { diffId: layer.diffId, record: { table: TABLE, key } };
  } finally {
    await sandbox.removeTree(scratch);
  }
}

/** What a step opened and was there before it. */
async function readsOf(reads: StepReads, tree: Tree): Promise<RunReads> {
  if ("reason" in reads) return reads;
  const known = (paths: readonly string[]): ReadPath[] =>
    paths.flatMap((path) => {
      const there = tree.get(path.slice(1) as BytePath);
      return there === undefined ? [] : [{ path: pathText(path), layer: there.diffId }];
    });
  return { files: known(reads.files), directories: known(reads.directories) };
}

/** A program of another machine does not even start, unless the kernel knows an emulator for it (binfmt_misc). */
function emulatorHint({ platform }: RunOperation): { readonly hint?: string } {
  return platform === undefined ? {} : { hint: `its image is for ${formatPlatform(platform)}, and this machine is not: its programs need an emulator (Debian: qemu-user-static)` };
}

function scriptMount({ script }: RunOperation): readonly StepMount[] {
  return script === undefined ? [] : [{ kind: "script", target: script.path, text: script.text }];
}
