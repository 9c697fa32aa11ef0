import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { delegate, ownCgroup } from "./delegated-cgroup.ts";

test("an ordinary user's containers get their cgroups beside the process, wherever it was moved", () => {
  expect(ownCgroup("9:name=systemd:/x\n0::/user.slice/user-1000.slice/app.scope\n")).toBe("/user.slice/user-1000.slice/app.scope");
  expect(ownCgroup("0::/user.slice/user-1000.slice/app.scope/laminate\n")).toBe("/user.slice/user-1000.slice/app.scope");
  expect(ownCgroup("0::/\n")).toBe("/");
});

const TOP = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].find((directory) => existsSync(join(directory, "cgroup.controllers")));
const CONTROLLER = TOP === undefined ? undefined : readFileSync(join(TOP, "cgroup.subtree_control"), "utf8").split(/\s+/)[0] || undefined;

test.skipIf(process.geteuid?.() !== 0 || CONTROLLER === undefined)("processes make way for the controllers of a cgroup's children", async () => {
  const directory = join(TOP!, `laminate-test-${process.pid}`);
  mkdirSync(directory);
  const child = spawn("sleep", ["1000"]);
  try {
    writeFileSync(join(directory, "cgroup.procs"), `${child.pid}`);
    expect(delegate(directory, [CONTROLLER!, "no-such-controller"])).toEqual(["no-such-controller"]);
    expect(readFileSync(join(directory, "cgroup.procs"), "utf8")).toBe(`${child.pid}\n`);
    expect(delegate(directory, [CONTROLLER!])).toEqual([]);
    expect(readFileSync(join(directory, "cgroup.subtree_control"), "utf8").trim()).toBe(CONTROLLER);
    expect(readFileSync(join(directory, "laminate/cgroup.procs"), "utf8")).toBe(`${child.pid}\n`);
    expect(delegate(directory, [CONTROLLER!])).toEqual([]);
  } finally {
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
    for (const path of [join(directory, "laminate"), directory]) if (existsSync(path)) rmdirSync(path);
  }
});
