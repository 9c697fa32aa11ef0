import type { Word } from "../parse/statement.ts";
import { expandNoting } from "./noted-expansion.ts";
import type { Subject } from "./subject.ts";
import { walk, type Visit } from "./walk.ts";

/** A port that an EXPOSE names. */
export interface Exposed {
  readonly visit: Visit;
  readonly word: Word;
  /** Variables replaced. */
  readonly spec: string;
  /** Before the port: an address, a port of the host. */
  readonly host: string;
  readonly port: string;
  readonly protocol: string;
}

/** The ports of all EXPOSE instructions. */
export function* exposed(subject: Subject): Generator<Exposed> {
  for (const visit of walk(subject)) {
    const { instruction, scope } = visit;
    for (const word of instruction.kind === "EXPOSE" ? instruction.values : []) {
      const { words } = expandNoting(word.text, scope.lookup, instruction.statement.escape);
      for (const spec of words) {
        const colon = spec.lastIndexOf(":");
        const [port = "", protocol = ""] = spec.slice(colon + 1).split("/");
        yield { visit, word, spec, host: spec.slice(0, Math.max(0, colon)), port, protocol };
      }
    }
  }
}
