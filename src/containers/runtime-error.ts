import { readFileSync } from "node:fs";
import { ContainerError } from "./container-error.ts";

/** The last error in a runtime's log of JSON lines (`--log-format json`); undefined when there is none. */
export function runtimeError(log: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(log, "utf8");
  } catch {
    return undefined;
  }
  const errors = text.split("\n").flatMap((line) => {
    try {
      const { level, msg } = JSON.parse(line) as { level?: string; msg?: string };
      return level === "error" && msg !== undefined ? [msg] : [];
    } catch {
      return [];
    }
  });
  return errors.at(-1);
}

/** What a runtime's error means: a command that is not there, one that cannot be run, or something else. */
export function startFailure(said: string): ContainerError {
  const message = `failed to start the container: ${said}`;
  if (/exec|executable/.test(said) && /not found|no such file or directory/i.test(said)) return new ContainerError("not-found", message);
  if (/exec|executable/.test(said) && /permission denied|is a directory|exec format error/i.test(said)) return new ContainerError("cannot-execute", message);
  return new ContainerError("cannot-start", message);
}
