import { type Answer, type Case } from "./case-file.ts";

/** How an answer of Laminate's stands to the recorded one. */
export type Verdict = "equal" | "on purpose" | "different";

/** The sections that we should give: docker's, where the case does not say that ours differ. */
export function expectedOf({ answer, ours }: Case): Answer {
  const here = ours.has("refused") || answer.has("refused") && ours.size > 0 ? ours : new Map([...answer, ...ours]);
  return comparable(here);
}

/** An answer as it is compared: of a refusal the words are each builder's own. */
export function comparable(answer: Answer): Answer {
  return answer.has("refused") ? new Map([["refused", ""]]) : answer;
}

/** The sections of an answer of ours that are not as docker's. */
export function oursBeside(docker: Answer, ours: Answer): Answer {
  const theirs = comparable(docker);
  return new Map([...ours].filter(([title]) => comparable(ours).get(title) !== theirs.get(title)));
}

export function judge(one: Case, answer: Answer): Verdict {
  const [got, wanted] = [comparable(answer), expectedOf(one)];
  const same = got.size === wanted.size && [...wanted].every(([title, body]) => got.get(title) === body);
  if (!same) return "different";
  return one.ours.size > 0 ? "on purpose" : "equal";
}
