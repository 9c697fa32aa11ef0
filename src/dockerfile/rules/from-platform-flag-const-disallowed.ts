import { parsePlatform, type Platform } from "../../oci/platform.ts";
import { findingAt } from "./finding.ts";
import { expandNoting } from "./noted-expansion.ts";
import type { Rule } from "./rule.ts";

export const fromPlatformFlagConstDisallowed: Rule = {
  name: "FromPlatformFlagConstDisallowed",
  description: "FROM --platform flag should not use a constant value",
  *check({ dockerfile, platform: machine }) {
    for (const { from, name = "" } of dockerfile.stages) {
      const { statement, platform } = from;
      const written = platform?.value ?? "";
      const { text, unmatched } = expandNoting(written, () => undefined, statement.escape);
      const constant = text === undefined || unmatched.length > 0 ? undefined : read(text, machine);
      // A stage whose name says what it is for is meant so.
      const isSaid =
        constant !== undefined &&
        (name.includes(constant.os) || name.includes(constant.architecture));
      if (constant !== undefined && !isSaid) {
        yield findingAt(
          statement,
          platform,
          `FROM --platform flag should not use constant value "${text}"`,
        );
      }
    }
  },
};

/** `linux` alone is this machine's architecture, and a name that nobody knows is one all the same, as containerd reads it. */
function read(text: string, machine: Platform): Platform | undefined {
  const [os, architecture] = text.split("/");
  return text === "linux" || text === "windows" || text === "darwin"
    ? { os: text, architecture: machine.architecture }
    : (parsePlatform(text) ??
        (/^[\w.-]+(?:\/[\w.-]+){1,2}$/.test(text)
          ? { os: os!, architecture: architecture! }
          : undefined));
}
