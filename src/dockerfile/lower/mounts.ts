import path from "node:path/posix";
import { nearest } from "../../base/nearest.ts";
import type { RunMount } from "../../graph/operation.ts";
import type { VertexId } from "../../graph/vertex.ts";
import type { MountField, MountFlag } from "../parse/mount.ts";
import { errorAt, valueOf, type Flag, type Statement } from "../parse/statement.ts";
import { joinWorkdir } from "./settings.ts";
import type { StageState } from "./stage-state.ts";

const TYPES = ["bind", "cache", "tmpfs", "secret", "ssh"] as const;
const SHARINGS = ["shared", "private", "locked"] as const;
type Sharing = (typeof SHARINGS)[number];
type MountType = (typeof TYPES)[number];

/** Where a `--mount` may be had: what is behind `from`, or, without it, the build context; layers alone where it has to be a tree. */
export type MountSource = (from: Flag | undefined, wanted: "files" | "tree") => Promise<VertexId>;

/** What a `--mount` says, each option read by its rule. */
interface Wish {
  type: MountType;
  from?: { readonly name: string; readonly at: Flag };
  source: string;
  target: string;
  readOnly?: boolean;
  required: boolean;
  size?: number;
  id: string;
  sharing?: Sharing;
  mode?: number;
  uid?: number;
  gid?: number;
  env?: string;
}

/**
 * The mounts of a RUN with their variables replaced, and the vertices whose trees they show, which the mounts name by
 * their place in that list (Dockerfile reference, RUN --mount). Throws DockerfileError at the option that is wrong.
 */
export async function lowerMounts(
  statement: Statement,
  flags: readonly MountFlag[],
  state: StageState,
  sourceOf: MountSource,
): Promise<{ readonly mounts: readonly RunMount[]; readonly inputs: readonly VertexId[] }> {
  const inputs: VertexId[] = [];
  const mounts: RunMount[] = [];
  let agents = 0;
  const input = async (...wanted: Parameters<MountSource>): Promise<number> =>
    inputs.push(await sourceOf(...wanted)) - 1;
  for (const { flag, fields } of flags) {
    const wish = readWish(statement, fields, state);
    check(statement, flag, fields, wish);
    mounts.push(await mountOf(statement, flag, wish, { state, input, agents }));
    agents += wish.type === "ssh" ? 1 : 0;
  }
  return { mounts, inputs };
}

type Where = {
  readonly state: StageState;
  readonly input: (...wanted: Parameters<MountSource>) => Promise<number>;
  /** Mounts of type ssh before this one. */
  readonly agents: number;
};

async function mountOf(
  statement: Statement,
  flag: Flag,
  wish: Wish,
  { state, input, agents }: Where,
): Promise<RunMount> {
  const { type } = wish;
  const file = { uid: wish.uid ?? 0, gid: wish.gid ?? 0, required: wish.required };
  if (type === "secret") {
    const id = wish.source || wish.id || path.basename(wish.target);
    const target =
      wish.target !== ""
        ? joinWorkdir(state.config.WorkingDir, wish.target)
        : `/run/secrets/${path.basename(id)}`;
    const shown = wish.env === undefined || wish.target !== "" ? { target } : {};
    const env = wish.env === undefined ? {} : { env: wish.env };
    return { type, id, ...shown, ...env, ...file, mode: wish.mode ?? 0o400 };
  }
  if (type === "ssh") {
    const target =
      wish.target === ""
        ? `/run/buildkit/ssh_agent.${agents}`
        : joinWorkdir(state.config.WorkingDir, wish.target);
    return { type, id: wish.id || "default", target, ...file, mode: wish.mode ?? 0o600 };
  }
  const target = joinWorkdir(state.config.WorkingDir, wish.target);
  if (wish.target === "" || target === "/") {
    const problem =
      wish.target === "" ? "a mount needs a target" : 'a mount cannot have the target "/"';
    throw errorAt(statement, flag, "bad-argument", problem, { hint: "as in target=/src" });
  }
  const source = path.join("/", wish.source);
  if (type === "tmpfs") {
    return { type, target, ...(wish.size === undefined ? {} : { size: wish.size }) };
  }
  if (type === "bind") {
    const from = await input(fromFlag(wish), "files");
    return { type, input: from, source, target, readOnly: wish.readOnly ?? true };
  }
  // As in BuildKit a directory that is to have an owner or a mode is a new one, whatever `from` has.
  const owned = wish.uid !== undefined || wish.gid !== undefined || wish.mode !== undefined;
  const seeded = wish.from !== undefined && !(owned && source === "/");
  const seed = seeded ? { input: await input(fromFlag(wish), "tree"), source } : {};
  const owner =
    source === "/" ? { uid: wish.uid ?? 0, gid: wish.gid ?? 0, mode: wish.mode ?? 0o755 } : {};
  return {
    type,
    id: wish.id === "" ? path.normalize(wish.target) : wish.id,
    sharing: wish.sharing ?? "shared",
    target,
    readOnly: wish.readOnly ?? false,
    ...seed,
    ...(seeded ? {} : owner),
  };
}

function fromFlag({ from }: Wish): Flag | undefined {
  return from === undefined ? undefined : { ...from.at, name: "mount", value: from.name };
}

/** Refuses a value: what was wanted and, where there is one, the nearest word. */
type Fail = (wanted: string, near?: string) => never;

const VALUES: Readonly<
  Record<string, (wish: Wish, text: string, fail: Fail) => void>
> = {
  type(wish, text, fail) {
    const type = TYPES.find((one) => one === text.toLowerCase());
    wish.type = type ?? fail(`expected ${TYPES.join(", ")}`, nearest(text, TYPES));
  },
  source: (wish, text) => void (wish.source = text),
  target: (wish, text) => void (wish.target = text),
  readonly: (wish, text, fail) => void (wish.readOnly = boolean(text, fail)),
  readwrite: (wish, text, fail) => void (wish.readOnly = !boolean(text, fail)),
  required: (wish, text, fail) => void (wish.required = boolean(text, fail)),
  size: (wish, text, fail) => void (wish.size = bytes(text, fail)),
  id: (wish, text) => void (wish.id = text),
  sharing(wish, text, fail) {
    const sharing = SHARINGS.find((one) => one === text.toLowerCase());
    wish.sharing = sharing ?? fail(`expected ${SHARINGS.join(", ")}`, nearest(text, SHARINGS));
  },
  mode: (wish, text, fail) =>
    void (wish.mode = /^[0-7]{1,5}$/.test(text)
      ? Number.parseInt(text, 8) & 0o7777
      : fail("expected an octal mode, as 0755")),
  uid: (wish, text, fail) => void (wish.uid = id(text, fail)),
  gid: (wish, text, fail) => void (wish.gid = id(text, fail)),
  env: (wish, text) => void (wish.env = text),
};
const OTHER_NAMES: Readonly<Record<string, string>> = {
  src: "source",
  dst: "target",
  destination: "target",
  ro: "readonly",
  rw: "readwrite",
};
/** Options that may stand without a value. */
const ALONE = ["readonly", "readwrite", "required"];

function readWish(
  statement: Statement,
  fields: readonly MountField[],
  state: StageState,
): Wish {
  const wish: Wish = { type: "bind", source: "", target: "", required: false, id: "" };
  for (const { key: written, value, at } of fields) {
    const key = OTHER_NAMES[written] ?? written;
    if (key !== "from" && !Object.hasOwn(VALUES, key)) {
      throw unknownOption(statement, at, written);
    }
    if (value === undefined && !ALONE.includes(key)) {
      throw errorAt(statement, at, "bad-argument", `${written} needs a value: ${written}=…`);
    }
    const text =
      value === undefined ? "true" : state.expand(statement, valueOf(statement, { ...at, value }));
    if (key === "from") {
      wish.from = { name: text, at };
      continue;
    }
    VALUES[key]!(wish, text, (wanted, near) => {
      const problem = `${written} of a mount cannot be ${JSON.stringify(text)}: ${wanted}`;
      throw errorAt(
        statement,
        at,
        "bad-argument",
        problem,
        near === undefined ? {} : { hint: `did you mean ${near}?` },
      );
    });
  }
  return wish;
}

function unknownOption(statement: Statement, at: Flag, written: string): Error {
  const known = [...Object.keys(VALUES), "from", ...Object.keys(OTHER_NAMES)];
  const near = nearest(written, known);
  return errorAt(
    statement,
    at,
    "bad-argument",
    `a mount has no option ${JSON.stringify(written)}`,
    { hint: near === undefined ? `it has ${known.join(", ")}` : `did you mean ${near}?` },
  );
}

/** Which options a type has beside those that all have. */
const OF_TYPES: Readonly<Record<string, readonly MountType[]>> = {
  size: ["tmpfs"],
  sharing: ["cache"],
  required: ["secret", "ssh"],
  mode: ["cache", "secret", "ssh"],
  uid: ["cache", "secret", "ssh"],
  gid: ["cache", "secret", "ssh"],
  from: ["bind", "cache", "tmpfs", "ssh"],
};

function check(
  statement: Statement,
  flag: Flag,
  fields: readonly MountField[],
  wish: Wish,
): void {
  for (const { key, at } of fields) {
    const types = OF_TYPES[key];
    if (types !== undefined && !types.includes(wish.type)) {
      const problem = `a mount of type ${wish.type} has no ${key}`;
      throw errorAt(statement, at, "bad-argument", problem, {
        hint: `${key} is for ${types.map((type) => `type=${type}`).join(", ")}`,
      });
    }
  }
  const source = fields.find(({ key }) => key === "source" || key === "src")?.at ?? flag;
  if (wish.type === "secret" && wish.source !== "" && wish.id !== "") {
    throw errorAt(statement, source, "bad-argument", "a secret has an id or a source, not both");
  }
  if (wish.type === "secret" && wish.source + wish.id + wish.target === "") {
    throw errorAt(statement, flag, "bad-argument", "a secret mount needs an id or a target", {
      hint: "as in --mount=type=secret,id=token",
    });
  }
  if (wish.type === "ssh" && wish.source !== "") {
    throw errorAt(statement, source, "bad-argument", "a mount of type ssh has no source", {
      hint: "id names the agent: id=default",
    });
  }
}

function boolean(text: string, fail: Fail): boolean {
  if (/^(1|t|true)$/i.test(text)) return true;
  return /^(0|f|false)$/i.test(text) ? false : fail("expected true or false");
}

function id(text: string, fail: Fail): number {
  return /^\d+$/.test(text) && Number(text) < 2 ** 32 ? Number(text) : fail("expected a number, as 1000: names are not looked up");
}

/** go-units, RAMInBytes: all units are powers of 1024. */
function bytes(text: string, fail: Fail): number {
  const found = /^(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?$/i.exec(text);
  if (found === null) return fail("expected a size, as 64m or 1g");
  return Math.floor(Number(found[1]) * 1024 ** ("kmgtp".indexOf(found[2]!.toLowerCase() || " ") + 1));
}
