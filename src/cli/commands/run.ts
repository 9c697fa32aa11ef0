import { defineCommand, type CommandContext, type FlagValues } from "../command.ts";
import { hostEntry } from "../host-entry.ts";
import { detachKeys, proxy } from "../attached.ts";
import { settingFlags, settingsFrom } from "../container-settings.ts";
import { environment } from "../environment.ts";
import { limitFlags, limitsFrom } from "../limits.ts";
import { pullHooks } from "../pull-hooks.ts";
import { UNSUPPORTED_BY_RUN } from "../unsupported-by-run.ts";
import { UsageError } from "../usage-error.ts";

/** The flags that `run` and `create` share. */
export const containerFlags = {
  ...limitFlags,
  ...settingFlags,
  interactive: { kind: "boolean", short: "i", summary: "Keep standard input open" },
  tty: { kind: "boolean", short: "t", summary: "Give the container a terminal" },
  rm: { kind: "boolean", summary: "Remove the container when it ends" },
  name: { kind: "string", value: "NAME", summary: "Name the container" },
  env: { kind: "list", short: "e", value: "NAME[=VALUE]", summary: "Set an environment variable" },
  "env-file": { kind: "list", value: "FILE", summary: "Read environment variables from a file" },
  workdir: { kind: "string", short: "w", value: "DIR", summary: "Working directory" },
  user: { kind: "string", short: "u", value: "NAME|UID[:GROUP|GID]", summary: "User to run as" },
  entrypoint: { kind: "string", value: "COMMAND", summary: "Instead of the image's ENTRYPOINT" },
  volume: { kind: "list", short: "v", value: "SOURCE:TARGET[:ro]", summary: "Mount a directory or volume" },
  mount: { kind: "list", value: "type=bind,source=…,target=…", summary: "Mount a directory, volume or tmpfs" },
  tmpfs: { kind: "list", value: "TARGET", summary: "Mount a tmpfs" },
  publish: { kind: "list", short: "p", value: "[[IP:]HOST:]PORT[/udp]", summary: "Publish a port, or a range of them; at a random port where none is given" },
  "publish-all": { kind: "boolean", short: "P", summary: "Publish all exposed ports at random ports" },
  expose: { kind: "list", value: "PORT", summary: "Expose a port" },
  network: { kind: "string", value: "MODE", choices: ["default", "bridge", "none", "host"], summary: "default (private where possible), none or host" },
  "add-host": { kind: "list", value: "NAME:ADDRESS", summary: "Add a line to /etc/hosts; the address host-gateway is this machine" },
  dns: { kind: "list", value: "ADDRESS", summary: "Nameserver, instead of this machine's" },
  "dns-search": { kind: "list", value: "DOMAIN", summary: "Domain to search names in, instead of this machine's" },
  hostname: { kind: "string", short: "h", value: "NAME", summary: "Host name of the container" },
  "read-only": { kind: "boolean", summary: "Mount the image's files read-only" },
  "cap-add": { kind: "list", value: "CAP", summary: "Add a capability" },
  "cap-drop": { kind: "list", value: "CAP", summary: "Drop a capability" },
  privileged: { kind: "boolean", summary: "All capabilities, nothing hidden" },
  init: { kind: "boolean", summary: "Run an init program that reaps processes" },
  quiet: { kind: "boolean", short: "q", summary: "Show no progress of a pull" },
  cidfile: { kind: "string", value: "FILE", summary: "Write the container's ID to a file" },
  pull: { kind: "string", value: "WHEN", choices: ["missing", "always", "never"], summary: "Pull the image: missing, always or never" },
  platform: { kind: "string", value: "OS/ARCH", summary: "Platform the image must be for" },
  runtime: { kind: "string", value: "NAME", summary: "The OCI runtime: crun, runc or a path" },
} as const;

const flags = {
  ...containerFlags,
  detach: { kind: "boolean", short: "d", summary: "Run in the background and print the container ID" },
  "detach-keys": { kind: "string", value: "KEYS", summary: "What to type to leave the container alone (default: ctrl-p,ctrl-q)" },
  "sig-proxy": { kind: "boolean", summary: "Pass signals to the container (default: true)" },
} as const;

export const command = defineCommand({
  name: "run",
  summary: "Create and run a new container from an image",
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  examples: ["laminate run --rm -it test-image sh", "laminate run -d -P --name hello test-image", "laminate run --rm -v ./data:/data -e MODE=test test-image npm test"],
  flags,
  unsupported: UNSUPPORTED_BY_RUN,
  arguments: { min: 1, max: Infinity },
  interspersed: false,
  async run(context, values, [image, ...words]) {
    if (values.tty === true && values.interactive === true && values.detach !== true && !context.stdin.isTTY) throw new UsageError("conflict", "the input device is not a TTY");
    const request = await requestOf(context, values, image!, words);
    const [{ run }, { open }, hooks] = await Promise.all([import("../../api/run.ts"), import("../open-laminate.ts"), pullHooks(context, values)]);
    await using laminate = await open(context);
    const { stdout, stderr } = context;
    const attach = values.detach === true ? {} : { attach: { detachKeys: detachKeys(values["detach-keys"]) } };
    try {
      const { id, exitCode } = await run(laminate, { ...request, ...attach }, { ...hooks, onNotice: (text) => stderr.write(text), ...(values["sig-proxy"] === false ? {} : { proxy: proxy(context) }) });
      if (values.detach === true) stdout.write(`${id}\n`);
      return exitCode;
    } catch (error) {
      const { containerExit } = await import("../container-exit.ts");
      return containerExit(error, context);
    }
  },
});

/** What the flags and words of `run` and `create` ask for. */
export async function requestOf({ env, cwd }: CommandContext, values: FlagValues<typeof containerFlags>, image: string, words: readonly string[]) {
  const [{ parseMount, parseTmpfs, parseVolume }, { parsePublish }, { resolve }] = await Promise.all([import("../../containers/mounts.ts"), import("../../containers/ports.ts"), import("node:path")]);
  const { entrypoint, workdir, user, hostname, name, platform, runtime, cidfile } = values;
  const init = values.init === true ? findInit() : undefined;
  return {
    image,
    command: words,
    env: await environment(values["env-file"], values.env, { cwd, env }),
    terminal: values.tty === true,
    interactive: values.interactive === true,
    network: values.network === undefined || values.network === "bridge" ? "default" : values.network,
    addHosts: values["add-host"].map(hostEntry),
    dns: values.dns.map(nameserver),
    dnsSearch: values["dns-search"],
    mounts: [...values.volume.map((text) => parseVolume(text, cwd)), ...values.mount.map((text) => parseMount(text, cwd)), ...values.tmpfs.map(parseTmpfs)],
    publish: values.publish.flatMap(parsePublish),
    publishAll: values["publish-all"] === true,
    expose: values.expose,
    readOnly: values["read-only"] === true,
    privileged: values.privileged === true,
    capAdd: values["cap-add"],
    capDrop: values["cap-drop"],
    autoRemove: values.rm === true,
    pull: values.pull ?? "missing",
    ...limitsFrom(values),
    ...(await settingsFrom({ cwd }, values)),
    ...(cidfile === undefined ? {} : { cidfile: resolve(cwd, cidfile) }),
    ...(init === undefined ? {} : { init }),
    ...(entrypoint === undefined ? {} : { entrypoint }),
    ...(workdir === undefined ? {} : { workdir }),
    ...(user === undefined ? {} : { user }),
    ...(hostname === undefined ? {} : { hostname }),
    ...(name === undefined ? {} : { name }),
    ...(platform === undefined ? {} : { platform }),
    ...(runtime === undefined ? {} : { runtime }),
  };
}

function nameserver(text: string): string {
  if (process.getBuiltinModule("node:net").isIP(text) === 0) throw new UsageError("bad-value", `invalid argument "${text}" for "--dns" flag: it is no IP address`);
  return text;
}

function findInit(): string {
  const places = ["/usr/bin/tini-static", "/usr/bin/docker-init", "/usr/libexec/docker/docker-init", "/usr/libexec/podman/catatonit", "/usr/bin/catatonit", "/usr/bin/dumb-init"];
  const { existsSync } = process.getBuiltinModule("node:fs");
  const found = places.find((place) => existsSync(place));
  if (found === undefined) throw new UsageError("bad-value", "--init: no static init program was found; install one: apt-get install catatonit");
  return found;
}
