import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { toldOnMachine } from "../../testing/sandbox/machine-network.ts";
import { findCommand } from "../search-path.ts";

const PROBE = fileURLToPath(new URL("../../testing/sandbox/veth-probe.ts", import.meta.url));
const STEP_PROBE = fileURLToPath(new URL("../../testing/sandbox/step-network-probe.ts", import.meta.url));
const CAN = process.geteuid?.() === 0 && findCommand("iptables-restore", process.env) !== undefined;

/** On a machine of its own: this one's devices, rules and settings are not touched. */
describe.skipIf(!CAN)("two containers' networks by the kernel", () => {
  let directory: string;
  let told: Record<string, unknown>;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "laminate-veth-"));
    told = await toldOnMachine(PROBE, [directory]);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test("each has an address of its own", () => {
    expect(told["addresses"]).toEqual(["10.213.0.2", "10.213.0.6", "10.213.0.1"]);
  });

  test("what they send leaves as this machine's", () => {
    expect(told["outbound"]).toBe("outside asked by 203.0.113.1");
  });

  test("a published port answers on this machine's loopback and addresses, and to others with their address", () => {
    expect(told).toMatchObject({ loopback: "one asked by 10.213.0.1", ownAddress: "one asked by 203.0.113.1", fromOutside: "one asked by 203.0.113.2" });
  });

  test("one published at the loopback answers there alone", () => {
    expect(told["onlyLoopback"]).toEqual(["one asked by 10.213.0.1", "ECONNREFUSED"]);
  });

  test("one may have a port of an address that another has at another address", () => {
    expect(told).toMatchObject({ everyAddress: "another asked by 203.0.113.2", otherAddress: "another asked by 203.0.113.2" });
  });

  test("udp is published too, at a random port when none is given", () => {
    expect(told["udp"]).toEqual(["one asked by 10.213.0.1", "one asked by 203.0.113.2"]);
  });

  test("containers reach one another, and themselves by their published port", () => {
    expect(told).toMatchObject({ neighbour: "one asked by 10.213.0.6", itself: "one asked by 10.213.0.1" });
  });

  test("what is not published is not reached from outside, even by who knows the way", () => {
    expect(told["unpublished"]).toBe("no answer");
  });

  test("this machine's loopback is not reached from inside, even by who changes the routes", () => {
    expect(told["loopbackFromInside"]).toEqual(["127.0.0.1"]); // who asked from this machine itself
  });

  test("a port that another container or program has is refused", () => {
    expect(told["taken"]).toBe("Bind for 0.0.0.0:8080 failed: port is already allocated");
    expect(told["takenByOthers"]).toBe("Bind for 127.0.0.1:7000 failed: port is already allocated");
  });

  test("the end of one leaves the other, the end of all leaves the machine as it was", () => {
    expect(told).toMatchObject({ forwarding: "1", rest: "one asked by 10.213.0.1", before: { devices: [], rules: [], forwarding: "0" }, after: { devices: [], rules: [], forwarding: "0" } });
  });
});

test.skipIf(!CAN)("where no program makes networks a step of root has one by the kernel, used again, and gone with the worker", async () => {
  const directory = mkdtempSync(join(tmpdir(), "laminate-veth-"));
  try {
    const clean = { devices: [], rules: [], forwarding: "0" };
    expect(await toldOnMachine(STEP_PROBE, [directory])).toMatchObject({
      pool: { by: "veth", apart: true, again: true, devices: ["lam0", "lam1"] },
      afterPool: clean,
      facts: { network: "private", networkBy: "veth" },
      during: ["lam0"],
      after: clean,
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
