import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BuildRig, BUSYBOX } from "../testing/builds.ts";
import { BIN } from "../testing/spawned.ts";

/* Containers that ended are pruned as `--filter` chooses; one that runs, and what it needs, stays. */

describe.skipIf(BUSYBOX === undefined || !existsSync("/usr/bin/conmon"))("container prune", () => {
  const rig = new BuildRig();

  /** Containers have the streams of the process that starts them, so each command is a process here. */
  function laminate(...args: readonly string[]): string {
    const { status, stdout, stderr } = spawnSync(BIN, args, { env: { ...process.env, LAMINATE_ROOT: rig.root }, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
    expect({ args, status, ...(status === 0 ? {} : { stderr }) }).toEqual({ args, status: 0 });
    return stdout;
  }

  const names = () => laminate("ps", "-a", "--format", "{{.Names}}").split("\n").filter(Boolean).sort();

  beforeAll(async () => {
    await rig.busybox();
    laminate("run", "-d", "--network", "none", "--name", "at-work", "busybox", "sleep", "1000");
    for (const label of ["tier=one", "tier=two"]) laminate("run", "--network", "none", "--name", label.replace("=", "-"), "--label", label, "busybox", "true");
    laminate("run", "--network", "none", "--name", "plain", "busybox", "true");
  });
  afterAll(async () => {
    laminate("rm", "-f", "at-work");
    await rig[Symbol.asyncDispose]();
  });

  test("says with --dry-run of each whether it goes and why", () => {
    const plan = laminate("container", "prune", "--dry-run", "--filter", "label=tier");
    expect(plan).toMatch(/^goes {3}container \p{Hex}{12} {2}tier-one: it has ended$/mu);
    expect(plan).toMatch(/^stays {2}container \p{Hex}{12} {2}plain: not of --filter label$/mu);
    expect(plan).toMatch(/^stays {2}container \p{Hex}{12} {2}at-work: it is running$/mu);
    expect(laminate("container", "prune", "--dry-run", "--filter", "until=1h")).not.toMatch(/^goes/m);
    expect(names()).toEqual(["at-work", "plain", "tier-one", "tier-two"]);
  });

  test("removes those that ended, as --filter chooses, and says which", () => {
    expect(laminate("container", "prune", "-f", "--filter", "label=tier=one")).toMatch(/^Deleted Containers:\n\p{Hex}{64}\n\nTotal reclaimed space: [\d.]+kB\n$/u);
    expect(names()).toEqual(["at-work", "plain", "tier-two"]);
    laminate("container", "prune", "-f", "--filter", "label!=tier");
    expect(names()).toEqual(["at-work", "tier-two"]);
    laminate("system", "prune", "-f", "--filter", "until=1h");
    laminate("system", "prune", "-f", "--filter", "label=tier=three");
    expect(names()).toEqual(["at-work", "tier-two"]);
    laminate("system", "prune", "-f", "--filter", "label=tier", "--volumes");
    expect(names()).toEqual(["at-work"]);
  });

  test("what a running container needs stays, which system df counts", () => {
    expect(laminate("image", "prune", "--all", "--dry-run")).toMatch(/busybox:latest: the container at-work uses it$/m);
    laminate("system", "prune", "-af");
    expect(laminate("exec", "at-work", "echo", "here")).toBe("here\n");
    expect(laminate("system", "df", "--format", "{{.Type}} {{.TotalCount}} {{.Active}}")).toMatch(/^Images 1 1\nContainers 1 1\n/);
  });
});
