import type { ListedContainer } from "../../api/ps.ts";
import { describePorts } from "../../containers/ports.ts";
import { defineCommand } from "../command.ts";
import { humanAge, humanDuration, shortId } from "../format.ts";
import { goTime } from "../go-time.ts";
import type { ListRow } from "../list-format.ts";
import { UsageError } from "../usage-error.ts";

const HEADINGS = { ID: "CONTAINER ID", Image: "IMAGE", Command: "COMMAND", CreatedAt: "CREATED AT", RunningFor: "CREATED", Status: "STATUS", State: "STATE", Ports: "PORTS", Names: "NAMES", Labels: "LABELS" };
const COLUMNS = ["ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names"];
const STATUSES = ["created", "running", "paused", "restarting", "removing", "exited", "dead"];
const COMMAND_WIDTH = 20;

export const command = defineCommand({
  name: "ps",
  summary: "List containers",
  usage: "[OPTIONS]",
  examples: ["laminate ps", "laminate ps -aq --filter status=exited", "laminate ps --format '{{.Names}} {{.Ports}}'"],
  flags: {
    all: { kind: "boolean", short: "a", summary: "Show also containers that do not run" },
    filter: { kind: "list", short: "f", value: "KEY=VALUE", summary: "name=, id=, status=, label=, ancestor=, exited=" },
    format: { kind: "string", value: "FORMAT", summary: "table, table TEMPLATE, json or a Go template" },
    last: { kind: "number", short: "n", value: "NUMBER", summary: "The last created, running or not" },
    latest: { kind: "boolean", short: "l", summary: "The one created last, running or not" },
    "no-trunc": { kind: "boolean", summary: "Show whole IDs and commands" },
    quiet: { kind: "boolean", short: "q", summary: "Show only IDs" },
  },
  arguments: { min: 0, max: 0 },
  async run(context, values) {
    const [{ ps }, { renderList }, { open }] = await Promise.all([import("../../api/ps.ts"), import("../list-format.ts"), import("../open-laminate.ts")]);
    await using laminate = await open(context);
    const filters = values.filter.map(filterOf);
    const found = ps(laminate, { all: values.all === true || values.latest === true || (values.last ?? -1) >= 0 || values.filter.some((one) => /^(status|exited)=/.test(one)) }).filter((one) => filters.every((filter) => filter(one)));
    const last = values.latest === true ? 1 : values.last === undefined || values.last < 0 ? Infinity : values.last;
    const rows = found.slice(0, last).map((one) => rowOf(one, values["no-trunc"] === true));
    context.stdout.write(renderList({ format: values.format, headings: HEADINGS, columns: COLUMNS, quiet: values.quiet === true ? "ID" : undefined }, rows));
    return 0;
  },
});

function rowOf({ container: { record }, state }: ListedContainer, whole: boolean): ListRow {
  const words = `"${[...record.entrypoint, ...record.command].join(" ")}"`;
  const now = Date.now();
  return {
    ID: whole ? record.id : shortId(record.id),
    Image: record.image.name,
    Command: whole || words.length <= COMMAND_WIDTH ? words : `${words.slice(0, COMMAND_WIDTH - 2)}…"`,
    CreatedAt: goTime(record.created),
    RunningFor: humanAge(record.created, now),
    Status: status(state, now),
    State: state.status,
    Ports: "run" in state ? describePorts(state.run.ports, record.exposed) : "",
    Names: record.name,
    Labels: Object.entries(record.labels).map(([name, value]) => `${name}=${value}`).join(","),
  };
}

function status(state: ListedContainer["state"], now: number): string {
  switch (state.status) {
    case "created":
      return "Created";
    case "running":
    case "paused":
      return `Up ${humanDuration(now - state.run.startedAt)}${state.status === "paused" ? " (Paused)" : ""}${state.unmonitored ? " (monitor lost)" : ""}`;
    case "exited":
      return `Exited (${state.exitCode}) ${humanAge(state.finishedAt, now)}`;
    case "dead":
      return state.why === "monitor-lost" ? "Dead (monitor lost)" : "Dead (machine restarted)";
  }
}

function filterOf(text: string): (one: ListedContainer) => boolean {
  const [key, value = ""] = text.split(/=(.*)/s);
  switch (key) {
    case "name":
      return ({ container }) => container.record.name.includes(value.replace(/^\^?\/?|\$$/g, ""));
    case "id":
      return ({ container }) => container.id.startsWith(value);
    case "status":
      if (!STATUSES.includes(value)) throw new UsageError("bad-value", `invalid filter 'status=${value}'`, { hint: `known are ${STATUSES.join(", ")}` });
      return ({ state }) => state.status === value;
    case "ancestor":
      return ({ container: { record } }) => [record.image.name, `${record.image.name}:latest`].includes(value) || (value.length >= 4 && shortenedId(record.image.id).startsWith(value.replace(/^sha256:/, "")));
    case "exited":
      return ({ state }) => state.status === "exited" && state.exitCode === Number(value);
    case "label":
      return ({ container: { record } }) => Object.entries(record.labels).some(([name, own]) => value === name || value === `${name}=${own}`);
    default:
      throw new UsageError("bad-value", `invalid filter '${key}': known are name, id, status, label, ancestor and exited`);
  }
}

function shortenedId(id: string): string {
  return id.replace(/^sha256:/, "");
}
