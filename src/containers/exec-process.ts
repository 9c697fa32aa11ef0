import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ALL_CAPABILITIES, boundingCapabilities } from "../sandbox/capabilities.ts";
import { lookUpAccount } from "../sandbox/user.ts";
import { pathIn, type Container } from "./container.ts";
import type { RunRecord } from "./record.ts";

export interface ExecOptions {
  readonly command: readonly string[];
  readonly terminal: boolean;
  /** `NAME=value`, over the container's own. */
  readonly env: readonly string[];
  readonly workdir?: string;
  readonly user?: string;
  readonly privileged: boolean;
}

interface SpecProcess {
  readonly user: object;
  readonly env: readonly string[];
  readonly cwd: string;
  readonly capabilities: { readonly bounding: readonly string[] };
}

/**
 * The process of the runtime spec for one more command in a running container: the first one's, but for what is asked.
 * The runtimes take all of it from a file, and crun's flags could not name further groups.
 */
export function execProcess(container: Container, { init }: RunRecord, options: ExecOptions): object {
  const { process: own } = JSON.parse(readFileSync(join(pathIn(container, "bundle"), "config.json"), "utf8")) as { process: SpecProcess };
  const { command, terminal, workdir, user, privileged } = options;
  const account = lookUpAccount(`/proc/${init.pid}/root`, user ?? container.record.user);
  const bounding = privileged ? ALL_CAPABILITIES.filter((name) => boundingCapabilities().has(name)) : own.capabilities.bounding;
  const held = account.uid === 0 || privileged ? bounding : [];
  const env = new Map([`HOME=${account.home}`, ...(user === undefined ? own.env : container.record.env), ...options.env].map((line) => [line.slice(0, line.indexOf("=")), line]));
  return {
    ...own,
    consoleSize: undefined,
    args: command,
    env: [...env.values()],
    cwd: workdir ?? own.cwd,
    terminal,
    ...(user === undefined ? {} : { user: { uid: account.uid, gid: account.gid, additionalGids: [...new Set([account.gid, ...account.groups])] } }),
    capabilities: { bounding, effective: held, permitted: held },
  };
}
