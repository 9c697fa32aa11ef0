import { defineCommand } from "../command.ts";

export const command = defineCommand({
  name: "lsp",
  summary: "Serve an editor: checks, fixes, completion, reference, formatting of Dockerfiles",
  usage: "",
  examples: ["laminate lsp"],
  flags: {
    stdio: { kind: "boolean", summary: "Speak over standard input and output, as it always does (editors give this flag)" },
  },
  arguments: { min: 0, max: 0 },
  async run(context) {
    const [{ serve }, { openWhereThereIsOne }, { packageVersion }] = await Promise.all([import("../lsp/server.ts"), import("../open-laminate.ts"), import("../version.ts")]);
    const laminate = await openWhereThereIsOne(context);
    serve(context.stdin, context.stdout, { laminate, version: packageVersion() });
    return await new Promise((_, reject) => context.signal.addEventListener("abort", () => reject(context.signal.reason)));
  },
});
