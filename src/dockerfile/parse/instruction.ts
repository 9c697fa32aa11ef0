import type { Healthcheck } from "../../oci/image-config.ts";
import type { SourceText } from "../../diagnostics/source-text.ts";
import type { HereDoc } from "./here-doc.ts";
import type { MountFlag } from "./mount.ts";
import type { Flag, Statement, Word } from "./statement.ts";

/** What a process is started with: arguments as they are, or a text for the shell. */
export type CommandLine =
  | { readonly form: "exec"; readonly argv: readonly string[] }
  | { readonly form: "shell"; readonly text: string };

export type Network = "default" | "none" | "host";

interface Common {
  readonly statement: Statement;
}

export interface FromInstruction extends Common {
  readonly kind: "FROM";
  readonly base: Word;
  /** Lower case. */
  readonly name: string | undefined;
  readonly platform: Flag | undefined;
}

export interface ArgInstruction extends Common {
  readonly kind: "ARG";
  readonly args: readonly { readonly name: string; readonly value: Word | undefined }[];
}

export interface RunInstruction extends Common {
  readonly kind: "RUN";
  readonly command: CommandLine;
  readonly network: Flag | undefined;
  readonly security: Flag | undefined;
  readonly mounts: readonly MountFlag[];
}

/** `parents` is COPY's, `keep-git-dir` ADD's. */
export type CopySwitch = "link" | "parents" | "keep-git-dir";

export interface CopyInstruction extends Common {
  readonly kind: "COPY" | "ADD";
  readonly sources: readonly Word[];
  readonly hereDocs: readonly HereDoc[];
  readonly destination: Word;
  readonly from: Flag | undefined;
  readonly chown: Flag | undefined;
  readonly chmod: Flag | undefined;
  readonly exclude: readonly Flag[];
  /** The flags that stand alone and are not `=false`. */
  readonly switches: readonly CopySwitch[];
  /** ADD only: `--unpack`, either way, or undefined. */
  readonly unpack: boolean | undefined;
  /** ADD only. */
  readonly checksum: Flag | undefined;
}

export interface PairsInstruction extends Common {
  readonly kind: "ENV" | "LABEL";
  readonly pairs: readonly { readonly key: Word; readonly value: Word }[];
}

export interface TextInstruction extends Common {
  readonly kind: "USER" | "STOPSIGNAL" | "MAINTAINER";
  readonly value: Word;
}

export interface WorkdirInstruction extends Common {
  readonly kind: "WORKDIR";
  readonly value: Word;
}

export interface ListInstruction extends Common {
  readonly kind: "EXPOSE" | "VOLUME";
  readonly values: readonly Word[];
}

export interface CommandInstruction extends Common {
  readonly kind: "CMD" | "ENTRYPOINT";
  readonly command: CommandLine;
}

export interface ShellInstruction extends Common {
  readonly kind: "SHELL";
  readonly argv: readonly string[];
}

export interface HealthcheckInstruction extends Common {
  readonly kind: "HEALTHCHECK";
  readonly healthcheck: Healthcheck;
}

export interface OnbuildInstruction extends Common {
  readonly kind: "ONBUILD";
  /** The instruction to run later, here-documents included. */
  readonly trigger: string;
}

/** What may stand inside a stage. */
export type StageInstruction =
  | ArgInstruction
  | RunInstruction
  | CopyInstruction
  | PairsInstruction
  | TextInstruction
  | WorkdirInstruction
  | ListInstruction
  | CommandInstruction
  | ShellInstruction
  | HealthcheckInstruction
  | OnbuildInstruction;

export type Instruction = FromInstruction | StageInstruction;

/** FROM and what follows it up to the next FROM. */
export interface Stage {
  readonly index: number;
  readonly name: string | undefined;
  readonly from: FromInstruction;
  readonly instructions: readonly StageInstruction[];
}

/** A Dockerfile that has been understood, variables not yet expanded. */
export interface Dockerfile {
  readonly source: SourceText;
  readonly escape: string;
  /** ARGs before the first FROM. */
  readonly globals: readonly ArgInstruction[];
  readonly stages: readonly Stage[];
}
