import { exposed } from "./exposed.ts";
import { findingIn, replace } from "./finding.ts";
import type { Rule } from "./rule.ts";

export const exposeInvalidFormat: Rule = {
  name: "ExposeInvalidFormat",
  description:
    "IP address and host-port mapping should not be used in EXPOSE instruction. This will become an error in a future release",
  *check(subject) {
    for (const { visit, word, spec, host } of exposed(subject)) {
      if (host !== "") {
        const port = spec.slice(host.length + 1);
        const fix =
          word.text === spec
            ? {
                summary: `write ${port}`,
                edits: [replace(visit.instruction.statement, word, port)],
              }
            : undefined;
        yield findingIn(
          visit,
          word,
          `EXPOSE instruction should not define an IP address or host-port mapping, found '${spec}'`,
          { fix },
        );
      }
    }
  },
};
