import { nearest } from "../base/nearest.ts";
import type { AgentSource, SecretSource } from "../api/handed-things.ts";
import type { FlagValues } from "./command.ts";
import { UsageError } from "./usage-error.ts";

/** Flags that hand the RUN instructions what is in no layer. */
export const handedFlags = {
  secret: { kind: "list", value: "id=ID[,src=FILE|,env=NAME]", summary: "A secret for RUN --mount=type=secret; in no layer, no cache key and no log" },
  ssh: { kind: "list", value: "default|ID[=SOCKET|KEY]", summary: "An ssh agent, or keys, for RUN --mount=type=ssh" },
} as const;

/** What {@link handedFlags} say. Throws UsageError. */
export function handedOptions({ secret, ssh }: FlagValues<typeof handedFlags>, env: NodeJS.ProcessEnv) {
  return { secrets: secret.map((text) => secretSource(text, env)), agents: ssh.map(agentSource) };
}

const KEYS = ["id", "type", "src", "source", "env"] as const;

/** Reads docker's `--secret id=ID[,src=FILE|,env=NAME][,type=file|env]`; without either the variable or the file of that name. Throws UsageError. */
function secretSource(text: string, env: NodeJS.ProcessEnv): SecretSource {
  const fail = (why: string, hint = "as in id=token,src=token.txt or id=token,env=TOKEN"): never => {
    throw new UsageError("bad-value", `invalid argument for "--secret" flag: ${why}`, { hint });
  };
  const fields = new Map<string, string>();
  for (const field of text.split(",")) {
    const equals = field.indexOf("=");
    // What stands there may be the secret itself, so it is not said again.
    if (equals < 0) return fail("each of its fields is key=value");
    const key = field.slice(0, equals).toLowerCase();
    if (!KEYS.some((one) => one === key)) {
      const near = nearest(key, KEYS);
      return fail(`it has no field ${JSON.stringify(key)}`, near === undefined ? `it has ${KEYS.join(", ")}` : `did you mean ${near}?`);
    }
    fields.set(key === "source" ? "src" : key, field.slice(equals + 1));
  }
  const type = fields.get("type");
  if (type !== undefined && type !== "file" && type !== "env") return fail(`type is file or env, not ${JSON.stringify(type)}`);
  const id = fields.get("id") ?? "";
  if (id === "") return fail("it needs an id");
  const file = fields.get("src");
  const name = fields.get("env") ?? (type === "env" ? file : undefined);
  if (name !== undefined) return { id, env: name };
  if (file !== undefined) return { id, file };
  return type === "env" || (type === undefined && env[id] !== undefined) ? { id, env: id } : { id, file: id };
}

/** Reads docker's `--ssh default|ID[=SOCKET|KEY[,KEY]]`. Throws UsageError. */
function agentSource(text: string): AgentSource {
  const equals = text.indexOf("=");
  const id = equals < 0 ? text : text.slice(0, equals);
  const paths = equals < 0 ? [] : text.slice(equals + 1).split(",").filter((path) => path !== "");
  if (id === "") throw new UsageError("bad-value", `invalid argument ${JSON.stringify(text)} for "--ssh" flag: it needs an id`, { hint: "as in --ssh default or --ssh id=$SSH_AUTH_SOCK" });
  return { id, paths };
}
