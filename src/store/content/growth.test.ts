import { expect, test } from "vitest";
import { Growth } from "./growth.ts";

const MIB = 1 << 20;

/** What still waits after a while; that something does not is told by waiting for it. */
async function waits(promise: Promise<void>): Promise<boolean> {
  return await Promise.race([promise.then(() => false), new Promise<boolean>((resolve) => setTimeout(() => resolve(true), 50))]);
}

test("who writes waits for nobody until somebody follows, then until they are near, or leave", async () => {
  const writer = new Growth();
  await writer.near(1000 * MIB);
  writer.follow();
  const [first, second] = [writer.near(40 * MIB), writer.near(1000 * MIB)];
  expect(await waits(first)).toBe(true);
  const reader = new Growth(writer.shared);
  reader.took(20 * MIB);
  await first;
  expect(await waits(second)).toBe(true);
  writer.leave();
  await second;
});

test("who has left does not come back by what they still read", async () => {
  const writer = new Growth();
  writer.follow();
  writer.leave();
  new Growth(writer.shared).took(1);
  await writer.near(1000 * MIB);
});
