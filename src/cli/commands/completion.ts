import { defineCommand } from "../command.ts";
import { UsageError } from "../usage-error.ts";

export const command = defineCommand({
  name: "completion",
  summary: "Print a completion script for bash, zsh or fish",
  usage: "bash|zsh|fish",
  examples: ["laminate completion bash > ~/.local/share/bash-completion/completions/laminate", "laminate completion fish | source"],
  flags: {},
  arguments: { min: 1, max: 1 },
  async run(context, _flags, [shell]) {
    const { COMPLETIONS, describeCommands } = await import("../completion.ts");
    const script = Object.hasOwn(COMPLETIONS, shell!) ? COMPLETIONS[shell as keyof typeof COMPLETIONS] : undefined;
    if (script === undefined) {
      throw new UsageError("arguments", `no completion for "${shell}": it is bash, zsh or fish`);
    }
    context.stdout.write(script(await describeCommands()));
    return 0;
  },
});
