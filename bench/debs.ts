import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { writeDockerfile } from "./dockerfile.ts";

/** Small tools, with all that they need beyond Debian's minimal system. */
const PACKAGES = ["make", "patch", "less", "unzip", "zip", "bc", "ed", "cpio", "file", "libmagic1", "libmagic-mgc", "jq", "libjq1", "libonig5", "libreadline8", "readline-common"];

/** Packages in the context, and a RUN that installs them without a network. */
export function writeDebs(directory: string, base: string): void {
  writeDockerfile(directory, [`FROM ${base}`, "COPY debs /debs", "RUN DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends /debs/*.deb && rm -rf /var/lib/apt/lists/*", "RUN jq --version && make --version"]);
  downloadDebs(path.join(directory, "debs"), PACKAGES);
}

/** Downloads packages of this machine's suite, which the base image is of too, with its own apt. */
export function downloadDebs(directory: string, packages: readonly string[]): void {
  if (!/^VERSION_CODENAME=bookworm$/m.test(readFileSync("/etc/os-release", "utf8"))) throw new Error("download packages for debian:bookworm: this machine has another system; leave the case out with --only");
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const asRoot = statSync(directory).uid === 0 ? ["-o", "APT::Sandbox::User=root"] : [];
  const { status, stderr } = spawnSync("apt-get", [...asRoot, "download", "-q", ...packages], { cwd: directory, encoding: "utf8" });
  if (status !== 0) throw new Error(`download packages (apt-get update may help): ${stderr}`);
}
