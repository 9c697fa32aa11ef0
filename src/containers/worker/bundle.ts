import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { boundingCapabilities } from "../../sandbox/capabilities.ts";
import { hostFiles } from "../../sandbox/host-files.ts";
import { resolveInRootfs } from "../../sandbox/rootfs-path.ts";
import { runtimeSpec, specText, type SpecMount } from "../../sandbox/runtime-spec.ts";
import { lookUpAccount } from "../../sandbox/user.ts";
import { allDevices, deviceNode } from "../devices.ts";
import { ContainerError } from "../container-error.ts";
import { containerFiles } from "../container.ts";
import { swapIsCounted } from "../cgroup.ts";
import type { LaunchPlan } from "../launch-plan.ts";
import { resourcesOf } from "../limits.ts";
import type { Mount } from "../mounts.ts";
import type { StartedNetwork } from "./container-network.ts";

const CGROUP_MOUNT: SpecMount = { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["nosuid", "noexec", "nodev", "relatime", "ro"] };

/** Writes the OCI bundle of a container whose files are mounted at `merged`, and makes what its mounts need. */
export function writeBundle({ record, directory, rootless, volumes, cgroup, runtime }: LaunchPlan, merged: string, network: StartedNetwork): void {
  const bundle = join(directory, containerFiles.bundle);
  const account = lookUpAccount(merged, record.user);
  const groups = (record.groups ?? []).map((name) => lookUpAccount(merged, `0:${name}`).gid);
  const bounding = boundingCapabilities(); // "all" is all that we have
  const devices = [...(record.privileged && !rootless ? allDevices() : []), ...(record.devices ?? []).map(deviceNode)];
  const cwd = resolveInRootfs(merged, record.workingDirectory);
  if (!cwd.exists) mkdirSync(merged + cwd.path, { recursive: true, mode: 0o755 });
  const files = hostFiles({ directory: bundle, hostname: record.hostname, addHosts: record.addHosts, ...network.files, readOnly: false });
  const init = record.init === undefined ? [] : [{ destination: "/sbin/docker-init", type: "bind", source: record.init, options: ["rbind", "ro"] }];
  const spec = runtimeSpec({
    rootfs: merged,
    args: [...(record.init === undefined ? [] : ["/sbin/docker-init", "--"]), ...record.entrypoint, ...record.command],
    env: record.env,
    cwd: record.workingDirectory,
    account: { ...account, groups: [...account.groups, ...groups] },
    hostname: record.hostname,
    network: network.spec,
    rootless,
    ...(record.terminal ? { terminal: { rows: process.stdout.rows ?? 24, columns: process.stdout.columns ?? 80 } } : {}),
    readonlyRootfs: record.readOnly,
    mounts: [...(cgroup === undefined ? [] : [CGROUP_MOUNT]), ...files, ...init, ...record.mounts.map((mount, place) => specMount(mount, place, { directory, volumes, merged }))],
    capabilities: record.privileged ? record.capabilities.filter((name) => bounding.has(name)) : record.capabilities,
    noNewPrivileges: record.noNewPrivileges,
    privileged: record.privileged,
    runtime: runtime.kind,
    ...(record.shmBytes === undefined ? {} : { shmBytes: record.shmBytes }),
    cgroupNamespace: cgroup?.directories.length === 1,
    ...(cgroup === undefined ? {} : { cgroupsPath: cgroup.path, resources: resourcesOf(record.limits, { privileged: record.privileged, swapIsCounted: swapIsCounted(), devices: record.devices ?? [] }) }),
    ...(record.oomScoreAdj === undefined ? {} : { oomScoreAdj: record.oomScoreAdj }),
    ...(record.ulimits === undefined ? {} : { limits: record.ulimits }),
    sysctl: { ...network.sysctl, ...record.sysctls },
    ...(record.annotations === undefined ? {} : { annotations: record.annotations }),
    devices,
    hostNamespaces: [...(record.pidMode === "host" ? ["pid" as const] : []), ...(record.ipcMode === "host" ? ["ipc" as const] : [])],
    ...(record.seccomp ? (record.seccompProfile === undefined ? {} : { seccomp: record.seccompProfile }) : { seccomp: null }),
  });
  writeFileSync(join(bundle, "config.json"), specText(spec));
}

function specMount(mount: Mount, place: number, where: { readonly directory: string; readonly volumes: string; readonly merged: string }): SpecMount {
  const { target: destination } = mount;
  switch (mount.type) {
    case "bind":
      if (!existsSync(mount.source)) {
        if (!mount.create) throw new ContainerError("bad-option", `invalid mount config for type "bind": bind source path does not exist: ${mount.source}`);
        mkdirSync(mount.source, { recursive: true });
      }
      return { destination, type: "bind", source: mount.source, options: ["rbind", mount.readOnly ? "ro" : "rw", mount.propagation] };
    case "volume":
      return { destination, type: "bind", source: volumeDirectory(mount, place, where), options: ["rbind", mount.readOnly ? "ro" : "rw"] };
    case "tmpfs":
      return { destination, type: "tmpfs", source: "tmpfs", options: ["nosuid", "nodev", "noexec", ...mount.options] };
  }
}

/** A volume without a name is the container's own and goes with it. A new one starts with what the image has in its place. */
function volumeDirectory({ name, target, noCopy }: Mount & { type: "volume" }, place: number, { directory, volumes, merged }: { readonly directory: string; readonly volumes: string; readonly merged: string }): string {
  const source = name === "" ? join(directory, "volumes", `${place}`) : join(volumes, name);
  mkdirSync(source, { recursive: true });
  const image = resolveInRootfs(merged, target);
  if (noCopy !== true && image.exists && readdirSync(source).length === 0) {
    const copied = spawnSync("cp", ["-a", "-T", "--", merged + image.path, source], { encoding: "utf8" });
    if (copied.status !== 0) throw new ContainerError("cannot-start", `fill the volume for ${target}: ${copied.stderr}`);
  }
  return source;
}
