import { defineCommand } from "../command.ts";
import { environment } from "../environment.ts";
import { UsageError } from "../usage-error.ts";

export const command = defineCommand({
  name: "exec",
  summary: "Execute a command in a running container",
  usage: "[OPTIONS] CONTAINER COMMAND [ARG...]",
  examples: ["laminate exec hello ls -l /app", "laminate exec -it hello sh"],
  flags: {
    detach: { kind: "boolean", short: "d", summary: "Run in the background" },
    interactive: { kind: "boolean", short: "i", summary: "Keep standard input open" },
    tty: { kind: "boolean", short: "t", summary: "Give the command a terminal" },
    env: { kind: "list", short: "e", value: "NAME[=VALUE]", summary: "Set an environment variable" },
    "env-file": { kind: "list", value: "FILE", summary: "Read environment variables from a file" },
    privileged: { kind: "boolean", summary: "Give the command all capabilities" },
    workdir: { kind: "string", short: "w", value: "DIR", summary: "Working directory" },
    user: { kind: "string", short: "u", value: "NAME|UID[:GROUP|GID]", summary: "User to run as" },
  },
  arguments: { min: 2, max: Infinity },
  interspersed: false,
  async run(context, values, [container, ...words]) {
    if (values.tty === true && !context.stdin.isTTY) throw new UsageError("conflict", "the input device is not a TTY");
    const [{ exec }, { open }] = await Promise.all([import("../../api/exec.ts"), import("../open-laminate.ts")]);
    await using laminate = await open(context);
    const { workdir, user } = values;
    const request = { container: container!, command: words, interactive: values.interactive === true, terminal: values.tty === true, detach: values.detach === true, env: await environment(values["env-file"], values.env, context), privileged: values.privileged === true, ...(workdir === undefined ? {} : { workdir }), ...(user === undefined ? {} : { user }) };
    try {
      return await exec(laminate, request, context.signal);
    } catch (error) {
      const { containerExit } = await import("../container-exit.ts");
      const code = containerExit(error, context);
      return code === 125 ? 1 : code; // docker's 125 is for run alone
    }
  },
});
