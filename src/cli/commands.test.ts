import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { COMMANDS, loadCommand } from "./commands.ts";

const NAMES = Object.keys(COMMANDS);

test("every file of commands/ that is a command is in the table", () => {
  const files = readdirSync(join(import.meta.dirname, "commands")).filter((name) => /^[a-z]+(-(prune|df))?\.ts$/.test(name));
  expect(files.map((name) => name.slice(0, -3).replace("-", " ")).filter((name) => !Object.hasOwn(COMMANDS, name))).toEqual([]);
});

test.each(NAMES)("%s is what the table says, with an example that calls it", async (name) => {
  const command = await loadCommand(name);
  expect({ name: command.name, summary: command.summary }).toEqual({ name, summary: COMMANDS[name]!.summary });
  expect(command.examples.length).toBeGreaterThan(0);
  expect(command.examples.every((example) => example.includes(`laminate ${name}`))).toBe(true);
  const letters = Object.values(command.flags).flatMap((flag) => (flag.short === undefined ? [] : [flag.short]));
  expect(new Set(letters).size).toBe(letters.length);
});
