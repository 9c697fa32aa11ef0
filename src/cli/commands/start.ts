import { detachKeys, proxy } from "../attached.ts";
import { defineCommand } from "../command.ts";
import { eachContainer } from "../each-container.ts";
import { UsageError } from "../usage-error.ts";

export const command = defineCommand({
  name: "start",
  summary: "Start one or more stopped containers",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  examples: ["laminate start hello", "laminate start -ai shell"],
  flags: {
    attach: { kind: "boolean", short: "a", summary: "Show what it prints, pass signals on, end with its exit code" },
    interactive: { kind: "boolean", short: "i", summary: "Feed it our standard input" },
    "detach-keys": { kind: "string", value: "KEYS", summary: "What to type to leave the container alone (default: ctrl-p,ctrl-q)" },
    "sig-proxy": { kind: "boolean", summary: "Pass signals to the container (default: true)" },
  },
  arguments: { min: 1, max: Infinity },
  async run(context, values, names) {
    const { start } = await import("../../api/start.ts");
    const onNotice = (text: string) => context.stderr.write(text);
    const stdin = values.interactive === true;
    if (values.attach !== true && !stdin) return await eachContainer(context, names, async (laminate, container) => void (await start(laminate, { container }, { signal: context.signal, onNotice })));
    if (names.length > 1) throw new UsageError("arguments", "you cannot start and attach multiple containers at once");
    const { open } = await import("../open-laminate.ts");
    await using laminate = await open(context);
    const attach = { stdin, detachKeys: detachKeys(values["detach-keys"]) };
    const hooks = { signal: context.signal, ...(values["sig-proxy"] === false ? {} : { proxy: proxy(context) }) };
    try {
      return await start(laminate, { container: names[0]!, attach }, hooks);
    } catch (error) {
      const { containerExit } = await import("../container-exit.ts");
      const code = containerExit(error, context);
      return code === 125 ? 1 : code; // docker's 125 is for run alone
    }
  },
});
