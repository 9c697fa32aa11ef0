import type { CommandContext, FlagValues } from "./command.ts";
import { UsageError } from "./usage-error.ts";

/** Flags of `run` and `create` about what a container may do and what is said of it. */
export const settingFlags = {
  "group-add": { kind: "list", value: "NAME|GID", summary: "Add a supplementary group" },
  device: { kind: "list", value: "SOURCE[:TARGET][:rwm]", summary: "Give it a device of this machine" },
  sysctl: { kind: "list", value: "NAME=VALUE", summary: "Set a kernel parameter of its namespaces" },
  pid: { kind: "string", value: "MODE", summary: "host: this machine's processes, not only its own" },
  ipc: { kind: "string", value: "MODE", summary: "host: this machine's shared memory; private: its own (default)" },
  "security-opt": { kind: "list", value: "OPTION", summary: "no-new-privileges, seccomp=unconfined or seccomp=FILE" },
  label: { kind: "list", short: "l", value: "NAME=VALUE", summary: "Set a label" },
  "label-file": { kind: "list", value: "FILE", summary: "Read labels from a file, a line each" },
  annotation: { kind: "list", value: "NAME=VALUE", summary: "Tell the runtime something (OCI annotation)" },
  "stop-signal": { kind: "string", value: "SIGNAL", summary: "What `stop` sends" },
  "stop-timeout": { kind: "number", value: "SECONDS", summary: "How long `stop` waits before it kills (default: 10)" },
  restart: { kind: "string", value: "POLICY", summary: "Only no: nothing starts a container again by itself" },
  "no-healthcheck": { kind: "boolean", summary: "Taken for docker's sake: an image's HEALTHCHECK is never run" },
} as const;

const KNOWN_SECURITY = /^(no-new-privileges([:=](true|false))?|seccomp=.+|apparmor=unconfined|label=disable|systempaths=unconfined)$/;

/** Reads the flags of {@link settingFlags}. */
export async function settingsFrom({ cwd }: Pick<CommandContext, "cwd">, values: FlagValues<typeof settingFlags>) {
  const [{ parseDevice }, { readFile }, { resolve }] = await Promise.all([import("../containers/devices.ts"), import("node:fs/promises"), import("node:path")]);
  const read = (flag: string) => (file: string) =>
    readFile(resolve(cwd, file), "utf8").catch((error: Error) => {
      throw new UsageError("bad-value", `--${flag}: open ${file}: ${error.message}`);
    });
  const security = securityOptions(values["security-opt"]);
  const { "stop-signal": stopSignal, "stop-timeout": stopTimeout, restart = "no" } = values;
  if (!/^(no|)$/.test(restart)) {
    throw new UsageError("bad-value", `--restart ${restart} is not supported: no daemon runs that could start a container again`, { hint: "let systemd do it: a unit with ExecStart=laminate run … and Restart=" });
  }
  const labelLines = (await Promise.all(values["label-file"].map(read("label-file")))).flatMap((text) => text.split("\n").map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#")));
  const profile = security.profile === undefined ? undefined : await read("security-opt seccomp")(security.profile);
  return {
    groups: values["group-add"],
    devices: values.device.map(parseDevice),
    sysctls: Object.fromEntries(values.sysctl.map((text) => namedValue("sysctl", text))),
    annotations: Object.fromEntries(values.annotation.map((text) => namedValue("annotation", text))),
    noNewPrivileges: security.noNewPrivileges,
    seccomp: security.seccomp,
    ...(profile === undefined ? {} : { seccompText: profile }),
    labels: Object.fromEntries([...labelLines, ...values.label].map(pair)),
    ...mode("pid", values.pid),
    ...mode("ipc", values.ipc),
    ...(stopSignal === undefined ? {} : { stopSignal }),
    ...(stopTimeout === undefined ? {} : { stopTimeout }),
  };
}

function securityOptions(options: readonly string[]): { readonly noNewPrivileges: boolean; readonly seccomp: boolean; readonly profile?: string } {
  const unknown = options.find((one) => !KNOWN_SECURITY.test(one));
  if (unknown !== undefined) throw new UsageError("bad-value", `invalid argument "${unknown}" for "--security-opt" flag: known are no-new-privileges, seccomp=unconfined and seccomp=FILE`);
  if (options.includes("systempaths=unconfined")) throw new UsageError("bad-value", "--security-opt systempaths=unconfined is not supported: only --privileged shows all of /proc and /sys");
  const seccomp = options.findLast((one) => one.startsWith("seccomp="))?.slice("seccomp=".length);
  const own = seccomp === undefined || seccomp === "unconfined" || seccomp === "builtin";
  return { noNewPrivileges: options.some((one) => /^no-new-privileges([:=]true)?$/.test(one)), seccomp: seccomp !== "unconfined", ...(own ? {} : { profile: seccomp }) };
}

function mode(name: "pid" | "ipc", text: string | undefined): { readonly pidMode?: "host"; readonly ipcMode?: "host" } {
  if (text === undefined || text === "" || (name === "ipc" && text === "private")) return {};
  if (text === "host") return name === "pid" ? { pidMode: "host" } : { ipcMode: "host" };
  throw new UsageError("bad-value", `--${name} ${text} is not supported: it is host${name === "ipc" ? " or private" : ""}`);
}

/** `NAME=value`; a name alone is empty. */
export function pair(text: string): [string, string] {
  const at = text.indexOf("=");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

function namedValue(flag: string, text: string): [string, string] {
  const [name, value] = pair(text);
  if (!text.includes("=") || name === "") throw new UsageError("bad-value", `invalid argument "${text}" for "--${flag}" flag: write it as NAME=VALUE`);
  return [name, value];
}
