import { expect, test } from "vitest";
import { DetachKeys } from "./streams.ts";

const CTRL_P = 0x10;
const CTRL_Q = 0x11;

function typed(...chunks: readonly (readonly number[])[]) {
  const keys = new DetachKeys([CTRL_P, CTRL_Q]);
  const passed: number[] = [];
  for (const chunk of chunks) {
    const { pass, found } = keys.filter(Buffer.from(chunk));
    passed.push(...pass);
    if (found) return { passed, found };
  }
  return { passed, found: false };
}

test("the detach keys are found, also in two pieces, and are not passed on", () => {
  expect(typed([1, CTRL_P, CTRL_Q, 2])).toEqual({ passed: [1], found: true });
  expect(typed([1, CTRL_P], [CTRL_Q])).toEqual({ passed: [1], found: true });
  expect(typed([CTRL_P, CTRL_P, CTRL_Q])).toEqual({ passed: [CTRL_P], found: true });
});

test("what only begins as they do is passed on when it turns out so", () => {
  expect(typed([CTRL_P])).toEqual({ passed: [], found: false });
  expect(typed([CTRL_P], [5])).toEqual({ passed: [CTRL_P, 5], found: false });
  expect(typed([CTRL_Q, 7])).toEqual({ passed: [CTRL_Q, 7], found: false });
});

test("without keys all is passed on", () => expect(new DetachKeys([]).filter(Buffer.from([CTRL_P, CTRL_Q]))).toEqual({ pass: Buffer.from([CTRL_P, CTRL_Q]), found: false }));
