import { UsageError } from "../usage-error.ts";
import { PlainRenderer } from "./plain.ts";
import { QuietRenderer } from "./quiet.ts";
import { RawJsonRenderer } from "./raw-json.ts";
import type { Renderer } from "./renderer.ts";

export interface RendererChoice {
  /** `--progress`. */
  readonly progress: string | undefined;
  readonly quiet: boolean;
  readonly env: NodeJS.ProcessEnv;
  readonly stderr: NodeJS.WriteStream;
  readonly clock: () => number;
}

const MODES = ["auto", "plain", "tty", "quiet", "rawjson"] as const;
type Mode = (typeof MODES)[number];

/** The renderer that `--progress` asks for, else BUILDKIT_PROGRESS, else the one that fits where standard error goes. */
export async function chooseRenderer(choice: RendererChoice): Promise<Renderer> {
  const write = (text: string): void => void choice.stderr.write(text);
  const options = { write, clock: choice.clock };
  switch (resolveMode(choice)) {
    case "quiet":
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

function resolveMode({ progress, quiet, env, stderr }: RendererChoice): Exclude<Mode, "auto"> {
  if (quiet) return "quiet";
  const mode = progress ?? (env["BUILDKIT_PROGRESS"] || "auto");
  if (!isMode(mode)) {
    throw new UsageError("bad-value", `invalid argument "${mode}" for "--progress" flag: it is one of ${MODES.join(", ")}`);
  }
  if (mode !== "auto") return mode;
  const ci = (env["CI"] ?? "") !== "" && env["CI"] !== "false";
  return stderr.isTTY && env["TERM"] !== "dumb" && !ci ? "tty" : "plain";
}

function isMode(text: string): text is Mode {
  return (MODES as readonly string[]).includes(text);
}
