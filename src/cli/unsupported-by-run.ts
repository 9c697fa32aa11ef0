const IO = "limits of disk access are not set";
const HEALTH = "a HEALTHCHECK is kept in the image and never run";
const LOGS = "the log is always kept beside the container, for `laminate logs`";
const LINKS = "containers do not know each other's names";
const WINDOWS = "it is for containers of Windows";

/** Flags of docker's `run` and `create` that we do not have, and why; each is refused by name. */
export const UNSUPPORTED_BY_RUN: Readonly<Record<string, string>> = {
  attach: "both output streams are always shown, and standard input is fed with -i",
  "blkio-weight": IO,
  "blkio-weight-device": IO,
  "cgroup-parent": "a container's cgroup is at the top of the hierarchy",
  cgroupns: "with cgroup v1 it is the machine's, with v2 the container's own",
  "cpu-count": WINDOWS,
  "cpu-percent": WINDOWS,
  "cpu-rt-period": "real-time scheduling is not set up",
  "cpu-rt-runtime": "real-time scheduling is not set up",
  "device-cgroup-rule": "name the devices with --device",
  "device-read-bps": IO,
  "device-read-iops": IO,
  "device-write-bps": IO,
  "device-write-iops": IO,
  "disable-content-trust": "images are not signed; pull by digest to be sure of one",
  domainname: "give --hostname a name with its domain",
  gpus: "give the devices with --device",
  "health-cmd": HEALTH,
  "health-interval": HEALTH,
  "health-retries": HEALTH,
  "health-start-interval": HEALTH,
  "health-start-period": HEALTH,
  "health-timeout": HEALTH,
  "io-maxbandwidth": WINDOWS,
  "io-maxiops": WINDOWS,
  isolation: WINDOWS,
  "kernel-memory": "the kernel no longer has such a limit",
  link: LINKS,
  "link-local-ip": LINKS,
  "log-driver": LOGS,
  "log-opt": LOGS,
  "memory-swappiness": "set the machine's, vm.swappiness",
  "oom-kill-disable": "use --oom-score-adj",
  "storage-opt": "a container's files may take what the disk has",
  "use-api-socket": "there is no daemon and no socket",
  userns: "root's containers have root's ids, an ordinary user's their own",
  uts: "set a name with --hostname",
  "volume-driver": "volumes are directories of this machine",
  "volumes-from": "name the volumes with -v in both containers",
};
