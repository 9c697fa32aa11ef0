import { expect, test } from "vitest";
import { flagsOf } from "../parse/flags.ts";
import { INSTRUCTION_NAMES } from "../parse/parse-instruction.ts";
import { FLAGS, INSTRUCTIONS } from "./reference.ts";

test("every instruction has its entry, and each of its flags", () => {
  expect(Object.keys(INSTRUCTIONS).sort()).toEqual([...INSTRUCTION_NAMES].sort());
  for (const name of INSTRUCTION_NAMES) {
    expect([name, Object.keys(FLAGS[name] ?? {}).sort()]).toEqual([name, [...flagsOf(name)].sort()]);
  }
});
