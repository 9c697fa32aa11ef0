import type { ImageLayers, LayerContents } from "../../api/layers.ts";
import { defineCommand } from "../command.ts";
import { humanSize, shortId } from "../format.ts";
import { printable } from "../printable.ts";

const LETTERS = { added: "A", changed: "C", deleted: "D" } as const;

export const command = defineCommand({
  name: "layers",
  summary: "Show what each layer of an image holds, and what of it is in vain",
  usage: "[OPTIONS] IMAGE",
  examples: ["laminate layers test-image", "laminate layers --files test-image", "laminate layers --format json test-image"],
  flags: {
    files: { kind: "boolean", summary: "List the paths that each layer adds (A), changes (C) and deletes (D)" },
    format: { kind: "string", value: "json", choices: ["json"], summary: "Everything, as JSON" },
  },
  arguments: { min: 1, max: 1 },
  async run(context, values, [image]) {
    const [{ layers }, { open }] = await Promise.all([import("../../api/layers.ts"), import("../open-laminate.ts")]);
    await using laminate = await open(context);
    const found = await layers(laminate, { image: image! });
    context.stdout.write(values.format === undefined ? printable(text(found, values.files === true)) : `${JSON.stringify(found, null, 2)}\n`);
    return 0;
  },
});

function text({ layers, duplicates }: ImageLayers, files: boolean): string {
  const lines = layers.flatMap((layer) => [heading(layer), `    ${counts(layer)}`, ...(files ? layer.changes.map(({ kind, path, size, hiddenBy }) => `    ${LETTERS[kind]} ${path}${size === 0 ? "" : `  ${humanSize(size)}`}${hiddenBy === undefined ? "" : `  (hidden by layer ${hiddenBy})`}`) : [])]);
  const hidden = layers.reduce((sum, layer) => sum + layer.hidden, 0);
  const size = layers.reduce((sum, layer) => sum + layer.size, 0);
  lines.push(`${layers.length} layers, ${humanSize(size)}; ${humanSize(hidden)} replaced or deleted by later layers`);
  for (const { size: each, paths } of duplicates) lines.push(`${paths.length} times ${humanSize(each)}: ${paths.slice(0, 3).join(", ")}${paths.length > 3 ? ", …" : ""}`);
  return `${lines.join("\n")}\n`;
}

function heading({ number, diffId, createdBy, size }: LayerContents): string {
  return `${number}  ${shortId(diffId)}  ${humanSize(size)}  ${createdBy.replaceAll(/\s+/g, " ")}`;
}

function counts({ changes, hidden }: LayerContents): string {
  const words = (["added", "changed", "deleted"] as const).map((kind) => ({ kind, count: changes.filter((change) => change.kind === kind).length })).filter(({ count }) => count > 0).map(({ kind, count }) => `${count} ${kind}`);
  return `${words.length === 0 ? "nothing" : words.join(", ")}${hidden === 0 ? "" : `; ${humanSize(hidden)} of it replaced or deleted by later layers`}`;
}
