import { address } from "../../containers/ports.ts";
import { defineCommand } from "../command.ts";

export const command = defineCommand({
  name: "port",
  summary: "List the published ports of a container",
  usage: "CONTAINER [PORT[/PROTOCOL]]",
  examples: ["laminate port hello", "curl $(laminate port hello 8000)"],
  flags: {},
  arguments: { min: 1, max: 2 },
  async run(context, _values, [container, wanted]) {
    const [{ port }, { open }] = await Promise.all([import("../../api/port.ts"), import("../open-laminate.ts")]);
    await using laminate = await open(context);
    const found = port(laminate, { container: container!, ...(wanted === undefined ? {} : { port: wanted }) });
    const line = (one: (typeof found)[number]) => (wanted === undefined ? `${one.containerPort}/${one.protocol} -> ${address(one)}\n` : `${address(one)}\n`);
    context.stdout.write(found.map(line).join(""));
    return 0;
  },
});
