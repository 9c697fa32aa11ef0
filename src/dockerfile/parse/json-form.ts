import { errorAt, type Statement, type Word } from "./statement.ts";
import { parseJsonForm } from "./words.ts";

/** The strings of the JSON form (`["a", "b"]`); undefined when the text is not JSON. Refuses a list that holds something else. */
export function readJsonForm(statement: Statement, word: Word): readonly string[] | undefined {
  const argv = parseJsonForm(word.text);
  if (argv === "mixed") {
    const item = firstOther(word);
    throw errorAt(statement, item, "syntax", `the list holds ${item.text}, which is not a string`, {
      hint: `as in ${JSON.stringify(/^[[{]/.test(item.text) ? "a" : item.text)}`,
    });
  }
  return argv;
}

/** The strings of the JSON form, each at its place (between its quotes). */
export function readJsonWords(statement: Statement, word: Word): readonly Word[] | undefined {
  const argv = readJsonForm(statement, word);
  if (argv === undefined) {
    return undefined;
  }
  const places = [...word.text.matchAll(/"(?:[^"\\]|\\.)*"/g)].map(({ index }) => index + 1);
  return argv.map((text, place) => ({ text, offset: word.offset + places[place]! }));
}

/** The first element of a JSON list that is not a string. */
function firstOther({ text, offset }: Word): Word {
  const items = /[[,]\s*(?:"(?:[^"\\]|\\.)*"\s*(?=[,\]])|(\S(?:[^,\]]*[^,\]\s])?))/g;
  for (const match of text.matchAll(items)) {
    const [all, other] = match;
    if (other !== undefined) {
      return { text: other, offset: offset + match.index + all.length - other.length };
    }
  }
  return { text, offset };
}
