import { containerFiles } from "./container.ts";
import { launchFiles, type LaunchPlan } from "./launch-plan.ts";

/**
 * What conmon runs when its container has ended: keeps whether it ran out of memory, removes its cgroup with the
 * processes that have no PID namespace to end with (`--pid host`), and with
 * `--rm` the container, once nobody wants to know how it ended (see `watched`).
 */
const SCRIPT = `
id=$1 dir=$2 link=$3 remove=$4; shift 4
for group; do
  if grep -qs '^oom_kill [1-9]' "$group/memory.oom_control" "$group/memory.events"; then : > "$dir/${containerFiles.oom}"; fi
  if [ -s "$group/cgroup.procs" ]; then while read -r pid; do kill -9 "$pid"; done < "$group/cgroup.procs"; fi
  [ ! -d "$group" ] || rmdir "$group" 2> /dev/null || { sleep 0.1; rmdir "$group"; }
done
[ "$remove" = yes ] && [ -d "$dir" ] || exit 0
exec 9< "$dir/${launchFiles.watched}" || exit 0
flock 9
[ -d "$dir" ] || exit 0
umount -l "$dir/${containerFiles.merged}"
[ "$(readlink "$link")" != "$id" ] || rm -f "$link"
rm -rf --one-file-system "$dir"
`;

/** The command with its arguments. */
export function cleanUpCommand({ record, directory, nameLink, cgroup }: Pick<LaunchPlan, "record" | "directory" | "nameLink" | "cgroup">): string[] {
  return ["/bin/sh", "-c", SCRIPT, "sh", record.id, directory, nameLink, record.autoRemove ? "yes" : "no", ...(cgroup?.directories ?? [])];
}
