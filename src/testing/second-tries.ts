import { stripVTControlCharacters } from "node:util";
import type { Reporter, TestCase, TestModule } from "vitest/node";

/** More than so many in a run are no accident of a busy machine. */
const MOST = 5;

/**
 * Tells at the end of a run which tests passed on their second try only, and what the first one met, so that no race
 * is lost in a green run; more than a few fail it.
 */
export default class SecondTries implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const again = modules.flatMap((module) => [...module.children.allTests()]).filter((test) => test.diagnostic()?.flaky === true);
    if (again.length === 0) return;
    console.log(`\nPassed on the second try only:\n${again.map(told).join("\n")}\n`);
    if (again.length <= MOST) return;
    console.log(`That is more than ${MOST}, so this run has failed.\n`);
    process.exitCode = 1;
  }
}

function told(test: TestCase): string {
  const met = test.result().errors?.[0]?.message ?? "no error was kept";
  return `  ${test.module.relativeModuleId} > ${test.fullName}\n    first: ${stripVTControlCharacters(met).replaceAll("\n", "\n    ")}`;
}
