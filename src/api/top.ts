import { spawnSync } from "node:child_process";
import { ContainerError } from "../containers/container-error.ts";
import { Containers } from "../containers/containers.ts";
import { processesOf, runningOf } from "../containers/inside.ts";
import type { Laminate } from "./laminate.ts";

/** A running container's processes as this machine's `ps` lists them, with its numbers; `-ef` unless there are options. */
export function top({ store }: Pick<Laminate, "store">, { container: name, options }: { readonly container: string; readonly options: readonly string[] }): string {
  const container = new Containers(store.root).find(name);
  const pids = processesOf(runningOf(container));
  const listed = spawnSync("ps", options.length === 0 ? ["-ef"] : [...options], { encoding: "utf8" });
  if (listed.error !== undefined) throw new ContainerError("cannot-execute", `cannot list processes: ${listed.error.message}`, { hint: "install ps: apt-get install procps" });
  if (listed.status !== 0) throw new ContainerError("bad-option", `ps ${options.join(" ")}: ${listed.stderr.trim()}`);
  const [heading = "", ...lines] = listed.stdout.split("\n");
  const column = heading.trim().split(/\s+/).indexOf("PID");
  if (column < 0) throw new ContainerError("bad-option", "Couldn't find PID field in ps output", { hint: "let the options of ps print it: -o pid,comm" });
  return [heading, ...lines.filter((line) => pids.has(Number(line.trim().split(/\s+/)[column])))].map((line) => `${line}\n`).join("");
}
