import { describe, expect, test } from "vitest";
import { DockerfileError } from "../dockerfile-error.ts";
import type { StageInstruction } from "./instruction.ts";
import { parseDockerfile } from "./parse.ts";

function instructions(text: string): readonly StageInstruction[] {
  return parseDockerfile(text, "Dockerfile").stages[0]!.instructions;
}

/** What matters of an instruction, without positions. */
function plain(instruction: StageInstruction): unknown {
  return JSON.parse(
    JSON.stringify(instruction, (key, value: unknown) =>
      key === "statement" || key === "offset" || key === "kind" ? undefined : value,
    ),
  );
}

const one = (line: string): unknown => plain(instructions(`FROM a\n${line}`)[0]!);
const words = (...texts: string[]): unknown => texts.map((text) => ({ text }));

const PLAIN = { hereDocs: [], exclude: [], switches: [] };

describe("an instruction is read", () => {
  test.each<[line: string, expected: unknown]>([
    ["RUN npm ci", { command: { form: "shell", text: "npm ci" }, mounts: [] }],
    [
      "run echo a \\\n  b \\  \n# comment\n  c",
      { command: { form: "shell", text: "echo a   b   c" }, mounts: [] },
    ],
    ['RUN ["a", "b c"]', { command: { form: "exec", argv: ["a", "b c"] }, mounts: [] }],
    ["\\\n  RUN x", { command: { form: "shell", text: "x" }, mounts: [] }],
    ["RUN [ -f x ] && y", { command: { form: "shell", text: "[ -f x ] && y" }, mounts: [] }],
    [
      "RUN --network=none x --y=z",
      { command: { form: "shell", text: "x --y=z" }, mounts: [], network: { name: "network", value: "none", length: 14 } },
    ],
    ["RUN --security=sandbox x", { command: { form: "shell", text: "x" }, mounts: [], security: { name: "security", value: "sandbox", length: 18 } }],
    ["RUN -- --x", { command: { form: "shell", text: "--x" }, mounts: [] }],
    ["RUN echo \\\\\nUSER x", { command: { form: "shell", text: "echo \\\\" }, mounts: [] }],
    [
      "ENV a=1 b='x y' c=\"p q\" d=\\ e",
      { pairs: [pair("a", "1"), pair("b", "'x y'"), pair("c", '"p q"'), pair("d", "\\ e")] },
    ],
    ["ENV a the rest = all", { pairs: [pair("a", "the rest = all")] }],
    ["LABEL a=", { pairs: [pair("a", "")] }],
    [
      "ARG a b=c d='e f'",
      {
        args: [
          { name: "a" },
          { name: "b", value: { text: "c" } },
          { name: "d", value: { text: "'e f'" } },
        ],
      },
    ],
    ["COPY a b c/", { ...PLAIN, sources: words("a", "b"), destination: { text: "c/" } }],
    ['COPY ["a b", "c"]', { ...PLAIN, sources: words("a b"), destination: { text: "c" } }],
    [
      "COPY --link --parents=false --exclude=x --exclude=y a b",
      {
        ...PLAIN,
        sources: words("a"),
        destination: { text: "b" },
        switches: ["link"],
        exclude: [
          { name: "exclude", value: "x", length: 11 },
          { name: "exclude", value: "y", length: 11 },
        ],
      },
    ],
    [
      "ADD --unpack=false --keep-git-dir a b",
      {
        ...PLAIN,
        sources: words("a"),
        destination: { text: "b" },
        switches: ["keep-git-dir"],
        unpack: false,
      },
    ],
    ["EXPOSE 80 443/udp", { values: words("80", "443/udp") }],
    ['VOLUME ["/a b"]', { values: words("/a b") }],
    ["VOLUME /a /b", { values: words("/a", "/b") }],
    ["WORKDIR /a b ", { value: { text: "/a b" } }],
    ['SHELL ["/bin/bash", "-c"]', { argv: ["/bin/bash", "-c"] }],
    ["CMD []", { command: { form: "exec", argv: [] } }],
    ["HEALTHCHECK NONE", { healthcheck: { Test: ["NONE"] } }],
    [
      "HEALTHCHECK --interval=1m30s --timeout=1.5s --retries=3 CMD curl x",
      {
        healthcheck: { Test: ["CMD-SHELL", "curl x"], Interval: 90e9, Timeout: 1.5e9, Retries: 3 },
      },
    ],
    ['HEALTHCHECK CMD ["a"]', { healthcheck: { Test: ["CMD", "a"] } }],
    ["ONBUILD RUN a  b", { trigger: "RUN a  b" }],
    ["ONBUILD COPY <<E /x\nhi\nE", { trigger: "COPY <<E /x\nhi\nE" }],
    [
      "COPY <<a <<-'b' <<\"c\" /d/\n1 $x\na\n\t2\n\tb\n3\nc\n",
      {
        ...PLAIN,
        sources: [],
        hereDocs: [
          doc("a", true, false, "1 $x\n", 3),
          doc("b", false, true, "\t2\n", 5),
          doc("c", false, false, "3\n", 7),
        ],
        destination: { text: "/d/" },
      },
    ],
    ["RUN cat <<< word", { command: { form: "shell", text: "cat <<< word" }, mounts: [] }],
    ["RUN sh <<a 3<<b\nx\na\ny\nb", { command: { form: "shell", text: "sh <<a 3<<b" }, mounts: [] }],
    ["RUN echo $((1<<2))", { command: { form: "shell", text: "echo $((1<<2))" }, mounts: [] }],
  ])("%s", (line, expected) => {
    expect(one(line)).toEqual(expected);
  });
});

function pair(key: string, value: string): unknown {
  return { key: { text: key }, value: { text: value } };
}

function doc(...[name, expand, chomp, content, firstLine]: readonly unknown[]): unknown {
  return { name, expand, chomp, content, firstLine };
}

test("here-documents of a RUN belong to its statement, comments and empty lines in them included", () => {
  const [run, user] = instructions("FROM a\nRUN <<EOF sh\n# not a comment\n\nx\nEOF\nUSER u\n");
  expect(run!.statement.hereDocs).toEqual([doc("EOF", true, false, "# not a comment\n\nx\n", 3)]);
  expect([run!.statement.lastLine, user!.kind]).toEqual([6, "USER"]);
});

test("directives, CRLF, a byte order mark and another escape character", () => {
  const file = parseDockerfile(
    "\uFEFF# syntax=docker/dockerfile:1\r\n# escape=`\r\n# check=skip=all\r\nARG v=1\r\nFROM a:$v AS Base\r\nRUN dir `\r\n c:\\\r\n",
    "Dockerfile",
  );
  expect(file.escape).toBe("`");
  expect(file.globals.map((arg) => arg.args[0]!.name)).toEqual(["v"]);
  expect(file.stages[0]!.name).toBe("base");
  expect(plain(file.stages[0]!.instructions[0]!)).toEqual({
    command: { form: "shell", text: "dir  c:\\" },
    mounts: [],
  });
});

describe("a mistake is shown where it stands", () => {
  test("with the line and a caret under the word", () => {
    expect(
      thrown(() => parseDockerfile("FROM a\n\tRUN --netwrk=none x\n", "app/Dockerfile")).message,
    ).toBe(
      [
        "app/Dockerfile:2:6: unknown flag --netwrk of RUN",
        "  2 | \tRUN --netwrk=none x",
        "    | \t    ^^^^^^^^^^^^^",
      ].join("\n"),
    );
  });
});

function thrown(action: () => unknown): DockerfileError {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(DockerfileError);
    return error as DockerfileError;
  }
  throw new Error("nothing was thrown");
}
