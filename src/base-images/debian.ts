import { chmodSync, copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DiffId } from "../oci/digest.ts";
import { enterCommand, isRootless } from "../sandbox/namespace.ts";
import { findCommand } from "../sandbox/search-path.ts";
import type { Store } from "../store/store.ts";
import { isPublic, readAptSources, sourceLine, sourcesFor, type AptSource } from "./apt-sources.ts";
import { runCommand, startCommand, type CommandOptions } from "./command.ts";
import { BaseImageFailure } from "./base-error.ts";
import type { BaseRequest } from "./suites.ts";

export interface BaseLayer {
  readonly diffId: DiffId;
  /** Seconds since the epoch: the newest release date of the suite's archives. */
  readonly time: number;
  readonly comment: string;
}

/** Makes a suite's minimal system from its signed packages and puts it into the store as one layer. */
export async function makeSuite(store: Store, request: BaseRequest & { kind: "suite" }, options: CommandOptions): Promise<BaseLayer> {
  checkTools(request, options);
  const scratch = store.temporaryDirectory();
  const sources = sourcesFor(readAptSources("/etc/apt"), request.distribution, request.suite);
  checkKeyrings(sources, request);
  const time = await releaseTime(sources, scratch, options);
  const hostApt = await hostAptOptions(options);
  const setup = hostSetup(sources, request, scratch, hostApt);
  const { output, done } = startCommand(bootstrapCommand(request, sources, setup, hostApt), {
    ...options,
    env: { ...options.env, SOURCE_DATE_EPOCH: String(time), LC_ALL: "C.UTF-8" },
  });
  const diffId = await store.layers.putTar(afterSuccess(output, done));
  return { diffId, time, comment: `mmdebstrap --variant=minbase ${request.suite}` };
}

/** A truncated tar of a bootstrap that failed must not become a layer: the stream's end is the command's success. */
async function* afterSuccess(output: AsyncIterable<Buffer>, done: Promise<void>): AsyncIterable<Buffer> {
  for await (const chunk of output) {
    yield chunk;
  }
  await done;
}

function bootstrapCommand(request: BaseRequest & { kind: "suite" }, sources: readonly AptSource[], setup: string, hostApt: readonly string[]): string[] {
  return [
    "mmdebstrap",
    "--variant=minbase",
    `--mode=${process.getuid?.() === 0 ? "root" : "unshare"}`,
    "--format=tar",
    "--skip=output/dev",
    // Ours: what mmdebstrap leaves behind belongs to _apt or to root, as it runs as root or not.
    "--skip=cleanup/apt",
    ...hostApt.map((line) => `--aptopt=${line}`),
    ...mergedUsr(request.suite),
    `--customize-hook=${setup}`,
    ...(request.slim ? ["--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-include=/usr/share/doc/*/copyright"] : []),
    request.suite,
    "-",
    ...sources.map(sourceLine),
  ];
}

/** In these suites usrmerge, which needs all of perl, would merge /usr; Docker's own images have it merged from the start. */
const MERGED_BY_PACKAGE = new Set(["bookworm", "oldstable", "jammy"]);
const MERGE_HOOKS = "/usr/share/mmdebstrap/hooks/merged-usr";

function mergedUsr(suite: string): string[] {
  return MERGED_BY_PACKAGE.has(suite) && existsSync(MERGE_HOOKS) ? [`--hook-directory=${MERGE_HOOKS}`, "--include=usr-is-merged"] : [];
}

/**
 * The hook that makes the system an image: what Docker's own images configure for apt, this machine's way to its
 * mirror where that is not the public one, and nothing that differs from run to run. It reads only from the script's
 * text, since the hook of an ordinary user runs with another uid that may not enter our store.
 */
function hostSetup(sources: readonly AptSource[], request: BaseRequest & { kind: "suite" }, scratch: string, hostApt: readonly string[]): string {
  const apt = [...hostApt];
  const lines: string[] = ["set -eu", 'root="$1"'];
  const own = !isPublic(sources, request.distribution);
  const bundle = "/etc/ssl/certs/ca-certificates.crt";
  if (own && sources.some((one) => one.uri.startsWith("https:")) && existsSync(bundle)) {
    // Not in /etc/ssl: installing ca-certificates in the image would overwrite it.
    const copied = join(scratch, "ca.crt");
    copyFileSync(bundle, copied);
    lines.push(`cat > "$root/etc/apt/host-ca.crt" <<'END'`, readFileSync(copied, "utf8").trimEnd(), "END", 'chmod 644 "$root/etc/apt/host-ca.crt"');
    apt.push('Acquire::https::CAInfo "/etc/apt/host-ca.crt";');
  }
  for (const keyring of new Set(sources.flatMap((one) => one.signedBy ?? []))) {
    lines.push(`if [ ! -e "$root${keyring}" ]; then mkdir -p "$root${keyring.slice(0, keyring.lastIndexOf("/"))}"; base64 -d > "$root${keyring}" <<'END'`, readFileSync(keyring).toString("base64"), "END", `chmod 644 "$root${keyring}"; fi`);
  }
  if (apt.length > 0) {
    lines.push(`cat > "$root/etc/apt/apt.conf.d/90host" <<'END'`, ...apt, "END");
  }
  lines.push(
    `cat > "$root/etc/apt/apt.conf.d/docker-clean" <<'END'`,
    'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };',
    'Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache "";',
    'Acquire::Languages "none";',
    "END",
    // Not /tmp: mmdebstrap keeps its apt configuration there, and without it would clean this machine's own lists.
    'rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/* "$root"/var/cache/ldconfig/aux-cache "$root"/var/cache/debconf/*-old "$root"/var/lib/dpkg/*-old',
    'find "$root/var/log" -type f -delete',
    '[ ! -e "$root/etc/machine-id" ] || : > "$root/etc/machine-id"',
    'rm -f "$root/etc/hostname" "$root/etc/resolv.conf" "$root/var/lib/dbus/machine-id"',
    'mkdir -p "$root/dev"',
  );
  const script = join(scratch, "setup.sh");
  writeFileSync(script, `${lines.join("\n")}\n`, { mode: 0o755 });
  return process.getuid?.() === 0 ? `sh ${script} "$1"` : shared(script);
}

const APT_HELPER = "/usr/lib/apt/apt-helper";
const HOST_OPTIONS = ["Acquire::http::Proxy", "Acquire::https::Proxy", "Acquire::Check-Valid-Until", "Acquire::Check-Date"];

/**
 * How this machine's apt reaches its mirror: through a proxy, or with a mirror that stands still, whose lists are past
 * their date. What reads the mirror here reads it the same way in the image.
 */
async function hostAptOptions(options: CommandOptions): Promise<string[]> {
  const dump = await Promise.all(HOST_OPTIONS.map((name) => runCommand(["apt-config", "dump", name], options)));
  return dump.flatMap((text, number) => {
    const value = /"(.+)"/.exec(text)?.[1];
    // A proxy's password must not be published with the image.
    return value === undefined || /\/\/[^/]*@/.test(value) ? [] : [`${HOST_OPTIONS[number]} "${value}";`];
  });
}

/** For an ordinary user: a copy of the script where the hook's uid can read it. */
function shared(script: string): string {
  const directory = mkdtempSync(join(tmpdir(), "laminate-base-"));
  const target = join(directory, "setup.sh");
  writeFileSync(target, readFileSync(script), { mode: 0o755 });
  chmodSync(directory, 0o755);
  process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
  return `sh ${target} "$1"`;
}

/** Fails before any work where this machine lacks what a bootstrap takes; an ordinary user needs subordinate ids too. */
function checkTools(request: BaseRequest & { kind: "suite" }, { env }: CommandOptions): void {
  const name = `make base image "${request.distribution}:${request.suite}"`;
  for (const [command, found] of [
    ["mmdebstrap", findCommand("mmdebstrap", env)],
    ["apt", existsSync(APT_HELPER) ? APT_HELPER : undefined],
  ] as const) {
    if (found === undefined) {
      throw new BaseImageFailure("missing-command", `${name}: ${command} is not installed`, { hint: `install it: apt-get install ${command}` });
    }
  }
  // Throws what this user lacks, and how to get it.
  if (isRootless()) enterCommand(env);
}

function checkKeyrings(sources: readonly AptSource[], request: BaseRequest & { kind: "suite" }): void {
  const absent = sources.find((one) => one.signedBy !== undefined && !existsSync(one.signedBy));
  if (absent) {
    throw new BaseImageFailure("bootstrap-failed", `make base image "${request.distribution}:${request.suite}": the keyring "${absent.signedBy}" that its packages are signed with is not installed`, {
      hint: `install it: apt-get install ${request.distribution === "ubuntu" ? "ubuntu-keyring" : "debian-archive-keyring"}`,
    });
  }
}

/** The newest Date of the suite's Release files: fetched by apt's own helper, which knows this machine's proxies and certificates. */
async function releaseTime(sources: readonly AptSource[], scratch: string, options: CommandOptions): Promise<number> {
  const times = await Promise.all(
    sources.map(async (one, number) => {
      const file = join(scratch, `release-${number}`);
      await runCommand([APT_HELPER, "-oAPT::Sandbox::User=root", "download-file", `${one.uri.replace(/\/$/, "")}/dists/${one.suite}/InRelease`, file], options);
      const date = /^Date:\s*(.+)$/m.exec(readFileSync(file, "utf8"))?.[1];
      const time = date === undefined ? Number.NaN : Date.parse(date) / 1000;
      if (!Number.isFinite(time)) {
        throw new BaseImageFailure("bootstrap-failed", `read the Release file of "${one.suite}": it has no Date`);
      }
      return time;
    }),
  );
  return Math.max(...times);
}
