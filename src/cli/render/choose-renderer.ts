import { PROGRESS_MODES, type ProgressMode } from "../progress-flag.ts";
import { UsageError } from "../usage-error.ts";
import { PlainRenderer } from "./plain.ts";
import { QuietRenderer } from "./quiet.ts";
import { RawJsonRenderer } from "./raw-json.ts";
import type { Renderer } from "./renderer.ts";

export interface RendererChoice {
  /** `--progress`. */
  readonly progress: ProgressMode | undefined;
  readonly quiet: boolean;
  readonly env: NodeJS.ProcessEnv;
  readonly stderr: NodeJS.WriteStream;
  readonly clock: () => number;
}

/** The renderer that `--progress` asks for, else BUILDKIT_PROGRESS, else the one that fits where standard error goes. */
export async function chooseRenderer(choice: RendererChoice): Promise<Renderer> {
  const write = (text: string): void => void choice.stderr.write(text);
  const options = { write, clock: choice.clock };
  switch (resolveMode(choice)) {
    case "quiet":
    case "none":
      return new QuietRenderer(options);
    case "rawjson":
      return new RawJsonRenderer(options);
    case "plain":
      return new PlainRenderer(options);
    default: {
      const { TtyRenderer } = await import("./tty.ts");
      return new TtyRenderer({ ...options, screen: choice.stderr, color: (choice.env["NO_COLOR"] ?? "") === "" });
    }
  }
}

function resolveMode({ progress, quiet, env, stderr }: RendererChoice): Exclude<ProgressMode, "auto"> {
  if (quiet) return "quiet";
  const mode = progress ?? (env["BUILDKIT_PROGRESS"] || "auto");
  if (!isMode(mode)) {
    throw new UsageError("bad-value", `BUILDKIT_PROGRESS is ${JSON.stringify(mode)}: it is one of ${PROGRESS_MODES.join(", ")}`);
  }
  if (mode !== "auto") return mode;
  const ci = (env["CI"] ?? "") !== "" && env["CI"] !== "false";
  return stderr.isTTY && env["TERM"] !== "dumb" && !ci ? "tty" : "plain";
}

function isMode(text: string): text is ProgressMode {
  return (PROGRESS_MODES as readonly string[]).includes(text);
}
