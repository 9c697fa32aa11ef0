import type { GivenContext } from "../api/build-contexts.ts";
import { buildArguments, nameAndValue } from "./build-arguments.ts";
import type { CommandContext, FlagValues } from "./command.ts";
import { UsageError } from "./usage-error.ts";

/** Flags that say which steps a build has. */
export const openFlags = {
  file: { kind: "string", short: "f", value: "FILE", summary: "The Dockerfile (default: PATH/Dockerfile); - reads it from standard input" },
  "build-arg": { kind: "list", value: "NAME[=VALUE]", summary: "Set a build-time variable; without a value it is taken from the environment" },
  "build-context": { kind: "list", value: "NAME=VALUE", summary: "A further context for FROM and --from: a directory, docker-image://, oci-layout://, a git or http(s) URL" },
  target: { kind: "string", value: "STAGE", summary: "Build this stage instead of the last" },
  allow: { kind: "list", value: "ENTITLEMENT", summary: "Allow the Dockerfile network.host or security.insecure" },
  network: { kind: "string", value: "MODE", choices: ["default", "none", "host"], summary: "Network of the RUN instructions: default, none or host" },
  "add-host": { kind: "list", value: "NAME:ADDRESS", summary: "Add a line to /etc/hosts of the RUN instructions" },
  platform: { kind: "list", value: "OS/ARCH", summary: "Platform of the image, as linux/arm64" },
} as const;

/** What {@link openFlags} say of the build of a context. Throws UsageError. */
export async function openOptions({ env, cwd }: Pick<CommandContext, "env" | "cwd">, values: FlagValues<typeof openFlags>, context: string) {
  const [{ configuredProxies }, { entitlement }] = await Promise.all([import("./proxies.ts"), import("./entitlement.ts")]);
  const { file, target, network } = values;
  const platform = values.platform.length === 0 ? undefined : values.platform.join(",");
  const buildArgs = buildArguments(values["build-arg"], env);
  return {
    context,
    cwd,
    buildArgs: { ...sourceDate(env), ...(await configuredProxies(env, Object.keys(buildArgs))), ...buildArgs },
    allow: values.allow.flatMap((text) => text.split(",")).map(entitlement),
    hosts: await hostsOf(values["add-host"]),
    contexts: values["build-context"].map(givenContext),
    ...(file === undefined ? {} : { file }),
    ...(target === undefined ? {} : { target }),
    ...(network === undefined ? {} : { network }),
    ...(platform === undefined ? {} : { platform }),
  };
}

/** As in buildx our environment's counts unless the command line says another. */
function sourceDate({ SOURCE_DATE_EPOCH }: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  return SOURCE_DATE_EPOCH === undefined || SOURCE_DATE_EPOCH === "" ? {} : { SOURCE_DATE_EPOCH };
}

async function hostsOf(written: readonly string[]) {
  if (written.length === 0) return [];
  const { hostEntry } = await import("./host-entry.ts");
  return written.flatMap((text) => text.split(",")).map(hostEntry);
}

/** Reads `NAME=VALUE` of --build-context. Throws UsageError. */
function givenContext(text: string): GivenContext {
  const [name, value] = nameAndValue(text);
  if (name !== "" && text.includes("=")) return { name, value };
  throw new UsageError("bad-value", `invalid context value: ${text}, expected key=value`, { hint: "as in --build-context source=../source" });
}
