/** A file of a case, as its section's head describes it: `-- NAME WORD… --`. */
export interface CaseFile {
  /** Ends in a slash for a directory. */
  readonly name: string;
  /** `mode=0600`, `link=TARGET`, `crlf`, …: test/conformance/README.md tells them all. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly body: string;
}

/** A case of the corpus: what is built, how, and what came out. */
export interface Case {
  /** `TOPIC/NAME`, where its file lies below test/conformance. */
  readonly id: string;
  /** What it shows, in a sentence or a few. */
  readonly about: string;
  /** The lines `KEY: VALUE` before the files. */
  readonly settings: ReadonlyMap<Setting, string>;
  readonly files: readonly CaseFile[];
  /** The recorded answer. */
  readonly answer: Answer;
  /** Sections where Laminate's answer is another one on purpose. */
  readonly ours: Answer;
}

/** Sections by title: `image`, `history` and `tree`, or `refused`, or `output`. */
export type Answer = ReadonlyMap<string, string>;

const SETTINGS = ["flags", "env", "context", "image", "only", "times", "differs"] as const;
export type Setting = (typeof SETTINGS)[number];

const OURS = "laminate: ";

/** Reads a case's text. Throws, naming the line, where it is none. */
export function parseCase(id: string, text: string): Case {
  const [head, ...sections] = split(text);
  const settings = new Map<Setting, string>();
  const about = head!.body.split("\n").filter((line) => {
    const [, key, value] = /^(\w+): (.*)$/.exec(line) ?? [];
    const setting = SETTINGS.find((one) => one === key);
    if (setting !== undefined) settings.set(setting, value!);
    return setting === undefined && line !== "";
  });
  const files = sections.filter(({ mark }) => mark === "--").map(({ title, body }) => ({ ...parseHead(title), body }));
  const answers = sections.filter(({ mark }) => mark === "==").map(({ title, body }) => [title, body] as const);
  const ours = answers.filter(([title]) => title.startsWith(OURS)).map(([title, body]) => [title.slice(OURS.length), body] as const);
  if (about.length === 0) throw new Error(`${id}:1: it does not say what it shows`);
  return { id, about: about.join(" "), settings, files, answer: new Map(answers.filter(([title]) => !title.startsWith(OURS))), ours: new Map(ours) };
}

/** What stands in a text before its files, and these. */
export function parseFiles(text: string): [head: string, files: CaseFile[]] {
  const [head, ...sections] = split(text);
  return [head!.body, sections.map(({ title, body }) => ({ ...parseHead(title), body }))];
}

/** The text of a case with other answers. */
export function withAnswers(text: string, answer: Answer, ours: Answer): string {
  const input = text.slice(0, /^== /m.exec(text)?.index ?? text.length);
  const sections = [...answer, ...[...ours].map(([title, body]) => [`${OURS}${title}`, body] as const)];
  return `${input}${sections.map(([title, body]) => `== ${title} ==\n${body}`).join("")}`;
}

interface Section {
  readonly mark: string;
  readonly title: string;
  readonly body: string;
}

/** What stands before the first section, then each. */
function split(text: string): Section[] {
  const heads = [...text.matchAll(/^(--|==) (.+) \1\n/gm)];
  const end = (index: number) => heads[index]?.index ?? text.length;
  return [
    { mark: "", title: "", body: text.slice(0, end(0)) },
    ...heads.map((head, index) => ({ mark: head[1]!, title: head[2]!, body: text.slice(head.index + head[0].length, end(index + 1)) })),
  ];
}

function parseHead(title: string): Omit<CaseFile, "body"> {
  const [name, ...words] = title.match(/"(?:[^"\\]|\\.)*"|\S+/g)!;
  const attributes = words.map((word) => /^([^=]+)(?:=(.*))?$/s.exec(word)!).map(([, key, value]) => [key!, value ?? ""] as const);
  return { name: name!.startsWith('"') ? (JSON.parse(name!) as string) : name!, attributes: new Map(attributes) };
}
