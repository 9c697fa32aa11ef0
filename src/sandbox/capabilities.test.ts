import { expect, test } from "vitest";
import { chooseCapabilities, DEFAULT_CAPABILITIES } from "./capabilities.ts";

test("nothing said gives Docker's defaults", () => {
  expect(chooseCapabilities([], [])).toEqual({ chosen: [...DEFAULT_CAPABILITIES].sort(), unknown: [] });
});

test("names may be short, long and in any case", () => {
  const { chosen } = chooseCapabilities(["net_admin", "CAP_SYS_PTRACE"], ["cap_kill"]);
  expect(chosen).toContain("CAP_NET_ADMIN");
  expect(chosen).toContain("CAP_SYS_PTRACE");
  expect(chosen).not.toContain("CAP_KILL");
});

test("ALL may be dropped and some given back, or added and some taken away", () => {
  expect(chooseCapabilities(["CHOWN"], ["ALL"]).chosen).toEqual(["CAP_CHOWN"]);
  const { chosen } = chooseCapabilities(["ALL"], ["SYS_ADMIN"]);
  expect(chosen.length).toBe(40);
  expect(chosen).not.toContain("CAP_SYS_ADMIN");
});

test("a word that names none is reported", () => {
  expect(chooseCapabilities(["FLY"], []).unknown).toEqual(["CAP_FLY"]);
});
