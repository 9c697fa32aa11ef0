// Writes docs/commands.md, the reference of all commands, from their help; with --check it only says whether the page is current.
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { COMMANDS, loadCommand } from "../src/cli/commands.ts";
import { commandHelp, mainHelp } from "../src/cli/help.ts";

const page = path.join(import.meta.dirname, "..", "docs", "commands.md");
const helps = await Promise.all(Object.keys(COMMANDS).map(async (name) => `## laminate ${name}\n\n${fenced(commandHelp(await loadCommand(name)))}`));
const text = `# Commands\n\n<!-- Written by npm run docs from each command's --help; do not edit. -->\n\n${fenced(mainHelp())}\n${helps.join("\n")}`;

if (!process.argv.includes("--check")) {
  writeFileSync(page, text);
} else if (readFileSync(page, "utf8") !== text) {
  console.error("docs/commands.md is not what the commands' --help says: run npm run docs");
  process.exit(1);
}

function fenced(help) {
  return `\`\`\`text\n${help}\`\`\`\n`;
}
