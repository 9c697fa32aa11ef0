import { defineCommand } from "../command.ts";
import { UsageError } from "../usage-error.ts";

export const command = defineCommand({
  name: "logs",
  summary: "Fetch the logs of a container",
  usage: "[OPTIONS] CONTAINER",
  examples: ["laminate logs hello", "laminate logs -f --tail 20 hello"],
  flags: {
    follow: { kind: "boolean", short: "f", summary: "Go on until the container ends" },
    tail: { kind: "string", short: "n", value: "NUMBER", summary: "Only the last lines (default: all)" },
    timestamps: { kind: "boolean", short: "t", summary: "Show when each line was written" },
    until: { kind: "string", value: "TIME", summary: "Only lines before a time, or a while ago" },
    since: { kind: "string", value: "TIME", summary: "Only lines since a time (2026-01-31T10:00:00Z) or for a while (10m)" },
  },
  arguments: { min: 1, max: 1 },
  async run(context, values, [container]) {
    const tail = values.tail === undefined || values.tail === "all" ? undefined : Number(values.tail);
    if (tail !== undefined && (!Number.isSafeInteger(tail) || tail < 0)) throw new UsageError("bad-value", `invalid argument "${values.tail}" for "--tail" flag: it is a number or all`);
    const since = values.since === undefined ? undefined : sinceOf(values.since, "--since");
    const until = values.until === undefined ? undefined : sinceOf(values.until, "--until");
    const [{ logs }, { open }] = await Promise.all([import("../../api/logs.ts"), import("../open-laminate.ts")]);
    await using laminate = await open(context);
    let fresh = true;
    const options = { container: container!, follow: values.follow === true, ...(tail === undefined ? {} : { tail }), ...(since === undefined ? {} : { since }), ...(until === undefined ? {} : { until }) };
    for await (const { time, stream, text } of logs(laminate, options, context.signal)) {
      const out = stream === "stdout" ? context.stdout : context.stderr;
      if (values.timestamps === true && fresh) out.write(`${time} `);
      out.write(text);
      fresh = text.at(-1) === 0x0a;
    }
    return 0;
  },
});

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };

function sinceOf(text: string, flag: string): number {
  const relative = /^(\d+)([smh])$/.exec(text);
  const time = relative === null ? (/^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text)) : Date.now() - Number(relative[1]) * UNITS[relative[2]!]!;
  if (!Number.isFinite(time)) throw new UsageError("bad-value", `invalid argument "${text}" for "${flag}" flag: it is a time as 2026-01-31T10:00:00Z or a while as 10m`);
  return time;
}
