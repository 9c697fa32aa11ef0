import type { Position, Range } from "../../diagnostics/source-text.ts";
import { cursorAt, readLoosely } from "./loose.ts";
import { definitionOf } from "./definition.ts";
import { placeAt, type Place } from "./place.ts";
import { FLAGS, INSTRUCTIONS, MOUNT_OPTIONS, MOUNT_TYPES, type Entry } from "./reference.ts";

/** What is said of a word, in Markdown. */
export interface Hover {
  readonly range: Range;
  readonly markdown: string;
}

const OTHER_NAMES: Readonly<Record<string, string>> = { src: "source", dst: "target", destination: "target", readwrite: "rw", readonly: "ro" };

/** What the reference says of the word at a position, or what a name there stands for. */
export function hoverAt(text: string, position: Position): Hover | undefined {
  const loose = readLoosely(text);
  const cursor = cursorAt(loose, position);
  if (cursor === undefined || cursor === "outside") {
    return undefined;
  }
  const place = placeAt(cursor);
  if (place === undefined) {
    return undefined;
  }
  const entry = entryOf(cursor.statement.keyword, place);
  const shown = entry === undefined ? [] : [markdownOf(entry)];
  const definition = definitionOf(loose, cursor.statement, place);
  if (definition !== undefined) {
    const { line } = definition.range.start;
    shown.push(`\`\`\`dockerfile\n${loose.source.line(line).trim()}\n\`\`\`\nline ${line}`);
  }
  return shown.length === 0 ? undefined : { range: place.range, markdown: shown.join("\n\n") };
}

function entryOf(keyword: string, place: Place): Entry | undefined {
  switch (place.kind) {
    case "keyword":
      return own(INSTRUCTIONS, place.name);
    case "flag":
      return own(FLAGS[keyword] ?? {}, place.flag.name);
    case "option":
      return (place.name === "type" ? own(MOUNT_TYPES, place.value ?? "") : undefined) ?? own(MOUNT_OPTIONS, OTHER_NAMES[place.name] ?? place.name);
    default:
      return undefined;
  }
}

function own(entries: Readonly<Record<string, Entry>>, name: string): Entry | undefined {
  return Object.hasOwn(entries, name) ? entries[name] : undefined;
}

/** An entry of the reference as an editor shows it. */
export function markdownOf({ form, text }: Entry): string {
  return `\`\`\`dockerfile\n${form}\n\`\`\`\n\n${text}`;
}
