import type { Info } from "../../api/info.ts";
import { defineCommand } from "../command.ts";
import { humanSize } from "../format.ts";
import { packageVersion } from "../version.ts";

export const command = defineCommand({
  name: "info",
  summary: "Show what this machine offers and where things are kept",
  usage: "[OPTIONS]",
  examples: ["laminate info", "laminate info --format '{{.DockerRootDir}}'"],
  flags: { format: { kind: "string", short: "f", value: "FORMAT", summary: "json or a Go template" } },
  arguments: { min: 0, max: 0 },
  async run(context, { format }) {
    const template = format === undefined ? undefined : (await import("../go-template.ts")).compileTemplate(format === "json" ? "{{json .}}" : format);
    const [{ info }, { open }] = await Promise.all([import("../../api/info.ts"), import("../open-laminate.ts")]);
    await using laminate = await open(context);
    const facts = await info(laminate);
    context.stdout.write(template === undefined ? lines(facts) : `${template(dockerNames(facts))}\n`);
    return "problem" in facts.sandbox && format === undefined ? 1 : 0;
  },
});

function lines(facts: Info): string {
  const rows: [string, string][] = [
    ["Version", packageVersion()],
    ["Root directory", `${facts.root} (${humanSize(facts.freeBytes)} free)`],
    ["Build cache limit", limitOf(facts.cacheLimit)],
    ["Images", String(facts.images)],
    ["Containers", `${facts.containers.total} (${facts.containers.running} running, ${facts.containers.stopped} stopped)`],
    ["User", facts.rootless ? "ordinary (rootless)" : "root"],
    ...sandboxRows(facts.sandbox),
    ["Operating system", facts.system],
    ["Kernel", facts.kernel],
    ["Architecture", facts.architecture],
    ["CPUs", String(facts.cpus)],
    ["Memory", humanSize(facts.memoryBytes, 4)],
    ["Node", facts.node],
  ];
  return rows.map(([name, value]) => `${name}: ${value}\n`).join("");
}

function limitOf(limit: Info["cacheLimit"]): string {
  if (limit === undefined) return "none";
  if ("problem" in limit) return limit.problem;
  return `${humanSize(limit.most!)}${limit.free === undefined ? "" : `, less where the disk has no ${humanSize(limit.free)} free`}`;
}

function sandboxRows(sandbox: Info["sandbox"]): [string, string][] {
  if ("problem" in sandbox) return [["Sandbox", `none: ${sandbox.problem}`], ...(sandbox.hint === undefined ? [] : [["What to do", sandbox.hint] as [string, string]])];
  return [
    ["Runtime", sandbox.runtime],
    ["Network", networkOf(sandbox)],
    ["Overlay attributes", sandbox.dialect],
    ["Layers", sandbox.imageObstacle === null ? "mounted in place" : `unpacked: ${sandbox.imageObstacle}`],
  ];
}

function networkOf({ network, networkBy, networkReason }: Exclude<Info["sandbox"], { readonly problem: string }>): string {
  if (networkReason !== undefined) return `${network}: ${networkReason}`;
  return networkBy === undefined ? network : `${network} (${networkBy})`;
}

/** docker's names for what both have. */
function dockerNames(facts: Info): Readonly<Record<string, unknown>> {
  return {
    ServerVersion: packageVersion(),
    DockerRootDir: facts.root,
    Images: facts.images,
    Containers: facts.containers.total,
    ContainersRunning: facts.containers.running,
    ContainersStopped: facts.containers.stopped,
    ContainersPaused: 0,
    Driver: "overlayfs",
    OSType: "linux",
    OperatingSystem: facts.system,
    KernelVersion: facts.kernel,
    Architecture: facts.architecture,
    NCPU: facts.cpus,
    MemTotal: facts.memoryBytes,
    SecurityOptions: facts.rootless ? ["name=rootless"] : [],
    Sandbox: facts.sandbox,
  };
}
