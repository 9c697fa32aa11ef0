import type { Position, Range } from "../../diagnostics/source-text.ts";
import { rangeOf, type Statement } from "../parse/statement.ts";
import { splitAtSpaces } from "../parse/words.ts";
import { cursorAt, readLoosely, settingsBefore, stagesBefore, type Loose, type LooseStage } from "./loose.ts";
import { placeAt, type Place } from "./place.ts";

/** Where something is defined. */
export interface Definition {
  readonly range: Range;
}

/** The FROM of the stage, or the ARG or ENV of the variable, that is named at a position. */
export function definitionAt(text: string, position: Position): Definition | undefined {
  const loose = readLoosely(text);
  const cursor = cursorAt(loose, position);
  if (cursor === undefined || cursor === "outside") {
    return undefined;
  }
  const place = placeAt(cursor);
  return place === undefined ? undefined : definitionOf(loose, cursor.statement, place);
}

/** As {@link definitionAt}, for a place that is known. */
export function definitionOf(loose: Loose, statement: Statement, place: Place): Definition | undefined {
  if (place.kind === "variable") {
    const setting = settingsBefore(loose, statement).find(({ name }) => name === place.name);
    return setting === undefined ? undefined : { range: rangeOf(setting.statement, wordOf(setting.statement, place.name)) };
  }
  const name = stageNamed(statement, place);
  const before = stagesBefore(loose, statement);
  const stage = before.findLast((one) => one.name === name?.toLowerCase()) ?? (/^\d+$/.test(name ?? "") && statement.keyword !== "FROM" ? before[Number(name)] : undefined);
  return stage === undefined ? undefined : { range: rangeOfName(stage) };
}

/** The name of a stage, where one may stand. */
function stageNamed({ keyword }: Statement, place: Place): string | undefined {
  if (place.kind === "word") return keyword === "FROM" && place.index === 0 ? place.text : undefined;
  if (place.kind === "flag") return place.flag.name === "from" ? place.flag.value : undefined;
  return place.kind === "option" && place.name === "from" ? place.value : undefined;
}

function rangeOfName({ from, name }: LooseStage): Range {
  return rangeOf(from, name === undefined ? undefined : splitAtSpaces(from.rest)[2]);
}

function wordOf({ rest }: Statement, name: string): { readonly text: string; readonly offset: number } | undefined {
  const found = new RegExp(`(?:^|\\s)(${name})(?=[=\\s]|$)`).exec(rest.text);
  return found === null ? undefined : { text: name, offset: rest.offset + found.index + found[0].length - name.length };
}
