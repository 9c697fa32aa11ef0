import { InvalidReference, parseReference } from "../../oci/reference.ts";
import { findingAt } from "./finding.ts";
import { globalsOf } from "./globals.ts";
import { expandNoting } from "./noted-expansion.ts";
import type { Rule } from "./rule.ts";

export const invalidDefaultArgInFrom: Rule = {
  name: "InvalidDefaultArgInFrom",
  description: "Default value for global ARG results in an empty or invalid base image name",
  *check(subject) {
    const { values } = globalsOf(subject.dockerfile, subject, {});
    for (const { from } of subject.dockerfile.stages) {
      const { statement, base } = from;
      const { text } = expandNoting(base.text, (name) => values.get(name), statement.escape);
      if (text === undefined) {
        return; // an error of the build
      }
      if (!isReference(text)) {
        yield findingAt(
          statement,
          base,
          `Default value for ARG ${base.text} results in empty or invalid base image name`,
        );
      }
    }
  },
};

function isReference(text: string): boolean {
  try {
    parseReference(text);
    return true;
  } catch (error) {
    if (error instanceof InvalidReference) {
      return false;
    }
    throw error;
  }
}
