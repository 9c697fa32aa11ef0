import { errorAt, type Flag, type Statement } from "./statement.ts";
import { repeatedFlags } from "./flags.ts";

/** One `key=value` of a `--mount`, variables not yet replaced; `at` is its place in the line. */
export interface MountField {
  /** Lower case. */
  readonly key: string;
  /** Undefined for a word alone, as `rw`. */
  readonly value: string | undefined;
  readonly at: Flag;
}

/** A `RUN --mount`, not yet understood: what its values are is known only when the variables are. */
export interface MountFlag {
  readonly flag: Flag;
  readonly fields: readonly MountField[];
}

/** Splits the `--mount` flags of a RUN. A variable in `from` is refused here, also in a stage that is not built, as in Docker. */
export function parseMounts(statement: Statement): readonly MountFlag[] {
  return repeatedFlags(statement, "mount").map((flag): MountFlag => {
    const fields = splitFields(flag.value!).map((text) => fieldOf(statement, flag, text));
    for (const { key, value, at } of fields) {
      if (key === "from" && value !== undefined && /\$./.test(value)) {
        throw errorAt(
          statement,
          at,
          "bad-argument",
          `from does not replace variables: ${JSON.stringify(value)}`,
          { hint: `give it a name, FROM ${value} AS source, and mount from that: from=source` },
        );
      }
    }
    return { flag, fields };
  });
}

function fieldOf(statement: Statement, flag: Flag, text: string): MountField {
  const equals = text.indexOf("=");
  return {
    key: (equals < 0 ? text : text.slice(0, equals)).toLowerCase(),
    value: equals < 0 ? undefined : text.slice(equals + 1),
    at: placeIn(statement, flag, text),
  };
}

/** Where a field stands; the whole flag where quotes or escapes make it look different in the file. */
function placeIn({ line }: Statement, flag: Flag, text: string): Flag {
  const written = line.text.slice(flag.offset, flag.offset + flag.length);
  const at = written.indexOf(text, "--mount=".length);
  return at < 0 || text === ""
    ? flag
    : { ...flag, offset: flag.offset + at, length: text.length };
}

/** Fields between commas; one that begins with a double quote goes on to the next (RFC 4180). */
function splitFields(text: string): string[] {
  if (!text.includes('"')) {
    return text.split(",");
  }
  return [...text.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) =>
    quoted === undefined ? plain! : quoted.replaceAll('""', '"'),
  );
}
