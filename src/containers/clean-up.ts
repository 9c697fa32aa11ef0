import { fileURLToPath } from "node:url";
import { bootId } from "../sys/process-identity.ts";
import { containerFiles } from "./container.ts";
import type { NetworkRemains } from "./end-network.ts";
import { launchFiles, type LaunchPlan } from "./launch-plan.ts";
import type { ContainerNetwork } from "./record.ts";
import type { StartedNetwork } from "./worker/container-network.ts";

/**
 * What conmon runs when its container has ended: keeps whether it ran out of memory, removes its cgroup with the
 * processes that have no PID namespace to end with (`--pid host`), ends what its network leaves on this machine, and
 * with `--rm` removes the container, once nobody wants to know how it ended (see `watched`).
 */
const SCRIPT = `
id=$1 dir=$2 link=$3 remove=$4 network=$5 node=$6 program=$7; shift 7
for group; do
  for events in "$group/memory.oom_control" "$group/memory.events"; do
    [ ! -e "$events" ] || while read -r key value; do
      if [ "$key" = oom_kill ] && [ "$value" != 0 ]; then : > "$dir/${containerFiles.oom}"; fi
    done < "$events"
  done
  [ ! -e "$group/cgroup.procs" ] || while read -r pid; do kill -9 "$pid"; done < "$group/cgroup.procs"
done
[ $# = 0 ] || rmdir "$@" 2> /dev/null || { sleep 0.1; rmdir "$@"; }
[ -z "$network" ] || "$node" "$program" "$network"
[ "$remove" = yes ] && [ -d "$dir" ] || exit 0
exec 9< "$dir/${launchFiles.watched}" || exit 0
flock 9
[ -d "$dir" ] || exit 0
umount -l "$dir/${containerFiles.merged}"
[ "$(readlink "$link")" != "$id" ] || rm -f "$link"
rm -rf --one-file-system "$dir"
`;

const NETWORK_END = fileURLToPath(new URL("./worker/network-end.ts", import.meta.url));

/** slirp4netns ends by itself, with the files that conmon holds; the kernel's rules and pasta do not. */
function leavesSomething({ by }: ContainerNetwork): boolean {
  return by === "veth" || by === "pasta";
}

/** The command with its arguments. */
export function cleanUpCommand({ record, directory, nameLink, cgroup }: Pick<LaunchPlan, "record" | "directory" | "nameLink" | "cgroup">, { said, helpers }: Pick<StartedNetwork, "said" | "helpers">): string[] {
  const remains: NetworkRemains = { boot: bootId(), network: said, helpers };
  return ["/bin/sh", "-c", SCRIPT, "sh", record.id, directory, nameLink, record.autoRemove ? "yes" : "no", leavesSomething(said) ? JSON.stringify(remains) : "", process.execPath, NETWORK_END, ...(cgroup?.directories ?? [])];
}
