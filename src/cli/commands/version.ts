import { goArchitecture } from "../../oci/platform.ts";
import { defineCommand } from "../command.ts";
import { packageVersion } from "../version.ts";

export const command = defineCommand({
  name: "version",
  summary: "Show the version information",
  usage: "[OPTIONS]",
  examples: ["laminate version", "laminate version --format '{{.Client.Version}}'"],
  flags: { format: { kind: "string", short: "f", value: "FORMAT", summary: "json or a Go template" } },
  arguments: { min: 0, max: 0 },
  async run(context, { format }) {
    const facts = { Version: packageVersion(), NodeVersion: process.versions.node, Os: process.platform, Arch: goArchitecture(process.arch) };
    if (format === undefined) {
      context.stdout.write(`laminate version ${facts.Version}\n Node:     ${facts.NodeVersion}\n OS/Arch:  ${facts.Os}/${facts.Arch}\n`);
      return 0;
    }
    const { compileTemplate } = await import("../go-template.ts");
    // No daemon: what docker calls the server is the same program.
    context.stdout.write(`${compileTemplate(format === "json" ? "{{json .}}" : format)({ Client: facts, Server: facts })}\n`);
    return 0;
  },
});
