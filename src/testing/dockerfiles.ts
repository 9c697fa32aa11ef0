import fc from "fast-check";

const TOKENS = [
  "FROM a", "FROM a AS b", "FROM b", "RUN ", "COPY ", "COPY --from=b ", "ADD ", "ENV ", "ARG ", "ONBUILD ", "HEALTHCHECK CMD ", "EXPOSE ", "CMD ", "SHELL ", "LABEL ", "VOLUME ", "WORKDIR ", "USER ", "STOPSIGNAL ", "ENTRYPOINT ", "MAINTAINER ",
  "x", "x=", "$x", "${x:-", "${x#", "${x/", "}", '"', "'", "\\", "[", "]", '["a"]', "--", "--a=", "--mount=type=", "cache", ",target=", ",", "--chmod=", "--link", "=", "*", "**", "!",
  "<<E", "<<-'E'", "E", "\n", "\n", "\n", "\t", " ", " ", "#", "# escape=`\n", "# check=skip=", "\r\n", "\u0000", "\uFEFF", "é", "😀", "80", "/",
];

/** Text that is nearly a Dockerfile: pieces of the language in any order. */
export const scraps: fc.Arbitrary<string> = fc
  .tuple(fc.array(fc.constantFrom(...TOKENS), { maxLength: 40 }), fc.boolean())
  .map(([tokens, based]) => (based ? `FROM a AS b\n${tokens.join("")}` : tokens.join("")));

const gap = fc.constantFrom(" ", " ", "  ", "\t", " \\\n", " \\\n  ", " \\ \t\n# why\n    ", " \\\n\n   # c  \n\t", "\\\r\n ");
const word = fc.constantFrom("a", "b.c", "/d/", "$x", "${x:-y}", '"q w"', "'r  s'", "\\#", "k=v", "-", "é");
const pair = fc.constantFrom("a=1", "b='x  y'", 'c="$a  b"', "d=\\ e", "f=", "LANG=C");
const text = fc.constantFrom("echo  a", "true \\\n  && x", "a \\\n# c\n\n  b  ", '"q', "x; \\  \n\ty", "echo [ \"a\" ]");
const json = fc.constantFrom('["a"]', '[ "a" ,"b" ]', '["a\\"b", \\\n "c"]', "[]", '["\\u00e9",  "/d/"]');
const flag = fc.constantFrom("--mount=type=cache,target=/x", "--network=none", '--mount="type=tmpfs,target=/y z"');

const words = (keyword: string, of: fc.Arbitrary<string>, more = ""): fc.Arbitrary<string> =>
  fc.tuple(fc.array(fc.tuple(gap, of), { minLength: 2, maxLength: 4 })).map(([all]) => keyword + all.flat().join("") + more);
const one = (keyword: string, of: fc.Arbitrary<string>): fc.Arbitrary<string> => fc.tuple(gap, of).map(([space, value]) => keyword + space + value);
const inCases = (line: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(line, fc.constantFrom("", " ", "\t"), fc.boolean()).map(([written, indent, lower]) => indent + (lower ? written.replace(/^\w+/, (keyword) => keyword.toLowerCase()) : written));

const instruction = inCases(
  fc.oneof(
    words("COPY", word),
    words("ADD", word),
    words("ENV", pair),
    words("LABEL", pair),
    words("ARG", pair),
    one("ENV old", text),
    words("EXPOSE", fc.constantFrom("80", "53/udp", "$x")),
    one("VOLUME", json),
    one("COPY", fc.constant('["a",   "b"]')),
    one("RUN", fc.oneof(text, json)),
    fc.tuple(fc.array(fc.tuple(gap, flag), { maxLength: 2 }), gap, text).map(([flags, space, command]) => `RUN${flags.flat().join("")}${space}${command}`),
    one("CMD", fc.oneof(text, json)),
    one("ENTRYPOINT", json),
    one("SHELL", json),
    one("HEALTHCHECK  --interval=5s", one("cmd", fc.oneof(text, json))),
    one("ONBUILD", one("run", text)),
    one("WORKDIR", word),
    one("USER", word),
    one("MAINTAINER", text),
    fc.constant("HEALTHCHECK   none"),
    fc.constant("RUN   <<E  cat\n# not a comment  \n\n\ta \\\nE"),
    fc.constant("COPY  <<-E   <<'F'  /d/\n\tx $x\n\tE\n  y\nF"),
    fc.constant("COPY <<\"a  b\" /x\nz\r\na  b"),
    fc.constant("FROM   a   as   Web"),
    fc.constant("FROM  --platform=linux/amd64   a"),
  ),
);
const line = fc.oneof({ weight: 4, arbitrary: instruction }, { weight: 1, arbitrary: fc.constantFrom("", "", "  # a comment ", "#x", "# syntax=b", "\t") });
const head = fc.constantFrom("", "", "#syntax=docker/dockerfile:1\n", "# escape = `\n", "\n# escape=`\n", "#  check=skip=all  \n#x\n", "ARG x=1\n", "\uFEFF# c\n");

/** Dockerfiles, nearly all of which are right, written in every way that means the same. */
export const dockerfiles: fc.Arbitrary<string> = fc
  .tuple(head, fc.array(line, { maxLength: 12 }), fc.constantFrom("\n", "\n", "\r\n"), fc.constantFrom("", "\n", "\n\n", " \\\n# end"))
  .map(([top, lines, end, tail]) => `${top}FROM a${end}${lines.join(end)}${tail}`);
