import { detachKeys, proxy } from "../attached.ts";
import { defineCommand } from "../command.ts";

export const command = defineCommand({
  name: "attach",
  summary: "Attach local standard input, output, and error streams to a running container",
  usage: "[OPTIONS] CONTAINER",
  examples: ["laminate attach shell", "laminate attach --no-stdin hello"],
  flags: {
    "no-stdin": { kind: "boolean", summary: "Do not feed it our standard input" },
    "detach-keys": { kind: "string", value: "KEYS", summary: "What to type to leave the container alone (default: ctrl-p,ctrl-q)" },
    "sig-proxy": { kind: "boolean", summary: "Pass signals to the container (default: true)" },
  },
  arguments: { min: 1, max: 1 },
  async run(context, values, [container]) {
    const [{ attach }, { open }] = await Promise.all([import("../../api/attach.ts"), import("../open-laminate.ts")]);
    await using laminate = await open(context);
    const hooks = { signal: context.signal, ...(values["sig-proxy"] === false ? {} : { proxy: proxy(context) }) };
    return await attach(laminate, { container: container!, stdin: values["no-stdin"] !== true, detachKeys: detachKeys(values["detach-keys"]) }, hooks);
  },
});
