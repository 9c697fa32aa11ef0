import { readFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { BUSYBOX } from "../builds.ts";
import { askLaminate, PERSONS } from "./ask-laminate.ts";
import type { Answer } from "./case-file.ts";
import { casesOf, readCorpus } from "./corpus.ts";
import { comparable, expectedOf } from "./judge.ts";

// What docker made of each case stands in it, recorded with `npm run conformance -- --write`; see test/conformance/README.md.
const cases = readCorpus();

/** As root all cases; as a user, who goes another way in few of them, a sample: npm run conformance takes all. */
const CHOICES = { root: {}, user: { every: 4 } } as const;

test("every case has an answer, and what differs on purpose is told in docs/differences.md", () => {
  const differences = readFileSync(path.join(import.meta.dirname, "../../../docs/differences.md"), "utf8").replaceAll(/[*`]/g, "");
  for (const { id, settings, answer, ours } of cases) {
    expect(answer.size, id).toBeGreaterThan(0);
    expect(ours.size > 0, id).toBe(settings.has("differs"));
    expect(differences, id).toContain(settings.get("differs")?.replaceAll("`", "") ?? "");
  }
});

describe.skipIf(BUSYBOX === undefined).each(PERSONS)("as %s", (person) => {
  let answers: ReadonlyMap<string, Answer>;
  beforeAll(async () => {
    answers = await askLaminate(person, CHOICES[person]);
  }, 600_000);

  test.each(casesOf(CHOICES[person]).filter(({ settings }) => (settings.get("only") ?? person) === person))("$id: $about", (one) => {
    expect(comparable(answers.get(one.id)!)).toEqual(expectedOf(one));
  });
});
