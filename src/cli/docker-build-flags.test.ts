import { expect, test } from "vitest";
import { command } from "./commands/build.ts";
import { UNSUPPORTED_BY_BUILD } from "./unsupported-by-build.ts";

/** As `docker build --help` of 28.5 (buildx 0.29) lists them; the second line is hidden there or of the classic builder. */
const FLAGS = `add-host allow annotation attest build-arg build-context builder cache-from cache-to call cgroup-parent check file iidfile label load metadata-file network no-cache no-cache-filter output platform progress provenance pull push quiet sbom secret shm-size ssh tag target ulimit
compress cpu-period cpu-quota cpu-shares cpuset-cpus cpuset-mems disable-content-trust force-rm isolation memory memory-swap print rm security-opt squash stream`.split(/\s/);

test("every flag of docker build is there or refused by its name, and none is both", () => {
  const here = new Set(Object.keys(command.flags));
  const refused = new Set(Object.keys(UNSUPPORTED_BY_BUILD));
  expect(FLAGS.filter((flag) => here.has(flag) === refused.has(flag))).toEqual([]);
});
