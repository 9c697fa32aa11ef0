import type { Finding } from "./finding.ts";
import type { Subject } from "./subject.ts";

/** A build check of the reference (docs.docker.com, Build checks); a page of docs/rules/ for each. */
export interface Rule {
  readonly name: string;
  /** BuildKit's words. */
  readonly description: string;
  /** Runs only where `experimental=` asks for it. */
  readonly experimental?: true;
  check(subject: Subject): Iterable<Finding>;
}

/** Where docker documents a rule: the address that its own findings carry. */
export function ruleUrl({ name }: Pick<Rule, "name">): string {
  const words = name.replace(/(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g, "-").toLowerCase();
  return `https://docs.docker.com/go/dockerfile/rule/${words}/`;
}
