import { defineCommand } from "../command.ts";

export const command = defineCommand({
  name: "completion",
  summary: "Print a completion script for bash, zsh or fish",
  usage: "bash|zsh|fish",
  examples: ["laminate completion bash > ~/.local/share/bash-completion/completions/laminate", "laminate completion fish | source"],
  flags: {},
  arguments: { min: 1, max: 1, choices: ["bash", "zsh", "fish"] },
  async run(context, _flags, [shell]) {
    const { COMPLETIONS, describeCommands } = await import("../completion.ts");
    context.stdout.write(COMPLETIONS[shell as keyof typeof COMPLETIONS](await describeCommands()));
    return 0;
  },
});
