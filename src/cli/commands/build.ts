import { namedValue } from "../build-arguments.ts";
import { defineCommand, type CommandContext, type FlagValues } from "../command.ts";
import { limitsFrom, stepLimitFlags } from "../limits.ts";
import type { BuildResult } from "../../api/build.ts";
import { progress } from "../progress-flag.ts";
import { annotation } from "../annotation.ts";
import { checkFilePlace } from "../check-file-place.ts";
import { refuseAttestations } from "../attestations.ts";
import { handedFlags, handedOptions } from "../handed-flags.ts";
import { openFlags, openOptions } from "../open-flags.ts";
import { UNSUPPORTED_BY_BUILD } from "../unsupported-by-build.ts";

const flags = {
  tag: { kind: "list", short: "t", value: "NAME[:TAG]", summary: "Name the image; may be repeated" },
  ...openFlags,
  "no-cache": { kind: "boolean", summary: "Run every step again" },
  "no-cache-filter": { kind: "list", value: "STAGE", summary: "Run every step of these stages again" },
  "cache-from": { kind: "list", value: "NAME|type=TYPE,…", summary: "Look for steps in a cache elsewhere too: type=registry,ref=NAME, type=local,src=DIR, type=s3,bucket=NAME,region=NAME or type=gha" },
  "cache-to": { kind: "list", value: "NAME|type=TYPE,…", summary: "Keep the steps for other machines: type=registry,ref=NAME, type=local,dest=DIR, type=s3,bucket=NAME,region=NAME, type=gha or type=inline, and mode=max, cache-mounts=true" },
  pull: { kind: "boolean", summary: "Ask the registry for the base images even when they are here" },
  label: { kind: "list", value: "NAME=VALUE", summary: "Set a label of the image" },
  ...handedFlags,
  ...stepLimitFlags,
  "cgroup-parent": { kind: "string", value: "PATH", summary: "The cgroup below which the RUN instructions get theirs" },
  check: { kind: "boolean", summary: "Check the Dockerfile instead of building it (--call=check)" },
  call: { kind: "string", value: "METHOD", summary: "build, check, outline or targets, and what to print it as: check,format=json" },
  quiet: { kind: "boolean", short: "q", summary: "Print the image ID and nothing else" },
  progress,
  iidfile: { kind: "string", value: "FILE", summary: "Write the image ID to this file" },
  trace: { kind: "boolean", summary: "Note which files each RUN opens that other steps made: builds show tells, and advise uses it; needs root" },
  runtime: { kind: "string", value: "NAME", summary: "The OCI runtime: crun, runc or a path" },
  output: { kind: "list", short: "o", value: "DIR|-|type=TYPE,…", summary: "Where the result goes: local, tar, oci, docker, image, registry or cacheonly, and dest=PATH" },
  load: { kind: "boolean", summary: "Put the image into the store, as without --output" },
  push: { kind: "boolean", summary: "Put the image into the store and push it to the registries that its names say" },
  annotation: { kind: "list", value: "NAME=VALUE", summary: "Set an annotation of the image's manifest" },
  attest: { kind: "list", value: "type=TYPE,disabled=true", summary: "Taken for docker's sake where it is off: no attestations are made" },
  provenance: { kind: "string", value: "false", summary: "Taken for docker's sake where it is off" },
  sbom: { kind: "string", value: "false", summary: "Taken for docker's sake where it is off" },
  "metadata-file": { kind: "string", value: "FILE", summary: "Write the image's digests and names to this file, as JSON" },
  rm: { kind: "boolean", summary: "Taken for docker's sake: no intermediate containers are left" },
  "force-rm": { kind: "boolean", summary: "Taken for docker's sake: no intermediate containers are left" },
} as const;

export const command = defineCommand({
  name: "build",
  summary: "Build an image from a Dockerfile",
  usage: "[OPTIONS] PATH | URL | -",
  examples: [
    "laminate build -t test-image .",
    "laminate build --target test --build-arg VERSION=2 -f docker/Dockerfile .",
    "laminate build --secret id=npm,src=$HOME/.npmrc --ssh default .",
    "laminate build --target files -o out .",
    "laminate build --cache-from registry.example/app:cache --cache-to type=registry,ref=registry.example/app:cache,mode=max .",
    "laminate build --cache-from type=s3,bucket=caches,region=eu-west-1 --cache-to type=s3,bucket=caches,region=eu-west-1,mode=max .",
    "laminate build --cache-from type=gha --cache-to type=gha,mode=max,cache-mounts-max-size=500mb .",
    "laminate build --build-context shared=../shared -t app .",
    "laminate build --trace --no-cache .",
    "laminate build -t tool https://github.com/someone/tool.git#main:src",
  ],
  flags,
  unsupported: UNSUPPORTED_BY_BUILD,
  arguments: { min: 1, max: 1 },
  async run(context, written, [path]) {
    const values = withoutEmpty(written);
    refuseAttestations(values);
    checkPlaces(context, values);
    const options = await buildOptions(context, values, path!);
    if (values.check === true || values.call !== undefined) {
      const code = await callInstead(context, values, options);
      if (code !== undefined) return code;
    }
    const renderer = await rendererFor(context, values);
    const [{ open }, { build }] = await Promise.all([import("../open-laminate.ts"), import("../../api/build.ts")]);
    try {
      await using laminate = await open(context);
      const result = await build(laminate, options, { events: renderer.events, signal: context.signal });
      renderer.succeed(result);
      await announce(context, values, result);
      return 0;
    } catch (error) {
      if (context.signal.aborted) {
        renderer.cancel();
        throw error;
      }
      renderer.fail();
      const { reportFailedStep } = await import("../failed-step.ts");
      if (reportFailedStep(error, context.stderr)) return 1;
      throw error;
    }
  },
});

type Values = FlagValues<typeof flags>;

/** As in docker `-f ""` says nothing, which scripts rely on. */
function withoutEmpty(values: Values): Values {
  const given = Object.entries(values).map(([name, value]) => [name, value === "" ? undefined : name === "output" ? (value as Values["output"]).filter((one) => one !== "") : value]);
  return Object.fromEntries(given) as unknown as Values;
}

async function cachesOf(values: Values, { cwd, env }: CommandContext) {
  if (values["cache-from"].length + values["cache-to"].length === 0) return {};
  const { cacheFrom, cacheTo } = await import("../cache/cache-flags.ts");
  return { cacheFrom: values["cache-from"].map((text) => cacheFrom(text, { cwd, env })), cacheTo: values["cache-to"].map((text) => cacheTo(text, { cwd, env })) };
}

async function buildOptions(context: CommandContext, values: Values, path: string) {
  const { file, runtime } = values;
  const outputs = await outputsOf(context, values);
  return {
    ...(await openOptions(context, values, path)),
    tags: values.tag,
    labels: Object.fromEntries(values.label.map((text) => namedValue("label", text))),
    annotations: Object.fromEntries(values.annotation.map(annotation)),
    noCache: values["no-cache"] === true,
    noCacheStages: values["no-cache-filter"].flatMap((text) => text.split(",")),
    pull: values.pull === true,
    trace: values.trace === true,
    ...handedOptions(values, context.env),
    ...(await cachesOf(values, context)),
    ...boundsOf(values),
    ...(outputs === undefined ? {} : { outputs }),
    ...(runtime === undefined ? {} : { runtime }),
    ...(path === "-" || file === "-" ? { stdin: context.stdin } : {}),
  };
}

/** Files that are written after the build are known to have a place before it. */
function checkPlaces({ cwd }: CommandContext, values: Values): void {
  for (const flag of ["iidfile", "metadata-file"] as const) {
    const file = values[flag];
    if (file !== undefined) checkFilePlace(file, { cwd, what: `--${flag}` });
  }
}

/** Flags on what RUN may take; most builds have none. */
function boundsOf(values: Values) {
  const { "cgroup-parent": cgroupParent, ulimit } = values;
  const given = Object.keys(stepLimitFlags).some((name) => name !== "ulimit" && values[name as keyof typeof stepLimitFlags] !== undefined);
  if (!given && ulimit.length === 0 && cgroupParent === undefined) return {};
  return { bounds: { ...limitsFrom(values), ...(cgroupParent === undefined ? {} : { cgroupParent }) } };
}

/** What --output, --push and --load ask for together; undefined for what a build does by itself. */
async function outputsOf(context: CommandContext, { output, push, load, tag, iidfile }: Values) {
  if (output.length === 0 && push !== true && load !== true) return undefined;
  const { buildOutputs } = await import("../output-flag.ts");
  return buildOutputs({ output, push: push === true, load: load === true, tags: tag, iidfile: iidfile !== undefined }, context);
}

/** `--check` and `--call`; undefined when what is called is a build after all. */
async function callInstead(context: CommandContext, { check, call }: Values, options: Awaited<ReturnType<typeof buildOptions>>): Promise<number | undefined> {
  const { parseCall, runCall } = await import("../check/call.ts");
  const wanted = parseCall(call, check === true);
  if (wanted.method === "build") return undefined;
  const [{ open }, { openCheckInput }] = await Promise.all([import("../open-laminate.ts"), import("../../api/check-context.ts")]);
  await using laminate = await open(context);
  const input = await openCheckInput(laminate, { ...options, signal: context.signal });
  return await runCall(wanted, context, laminate, input, options);
}

async function rendererFor({ env, stderr }: CommandContext, { progress, quiet }: Values) {
  const { chooseRenderer } = await import("../render/choose-renderer.ts");
  return chooseRenderer({ progress, quiet: quiet === true, env, stderr, clock: Date.now });
}

async function announce(context: CommandContext, { iidfile, quiet, "metadata-file": metadata }: Values, result: BuildResult): Promise<void> {
  const { id } = result;
  if (iidfile !== undefined || metadata !== undefined) {
    const [{ writeFile }, { resolve }, { buildMetadata }] = await Promise.all([import("node:fs/promises"), import("node:path"), import("../build-metadata.ts")]);
    if (iidfile !== undefined && id !== undefined) await writeFile(resolve(context.cwd, iidfile), id);
    if (metadata !== undefined) await writeFile(resolve(context.cwd, metadata), buildMetadata(result));
  }
  if (quiet === true && id !== undefined) context.stdout.write(`${id}\n`);
}
