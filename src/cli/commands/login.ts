import { defineCommand, type CommandContext } from "../command.ts";
import { UsageError } from "../usage-error.ts";

export const command = defineCommand({
  name: "login",
  summary: "Log in to a registry",
  usage: "[OPTIONS] [SERVER]",
  examples: ["laminate login localhost:5000", "cat token | laminate login --username me --password-stdin registry.example.com"],
  flags: {
    username: { kind: "string", short: "u", value: "NAME", summary: "User name" },
    password: { kind: "string", short: "p", value: "TEXT", summary: "Refused, as everyone on this machine can read a command's arguments: --password-stdin" },
    "password-stdin": { kind: "boolean", summary: "Read the password from standard input" },
    insecure: { kind: "boolean", summary: "Accept plain HTTP and unknown certificates" },
  },
  arguments: { min: 0, max: 1 },
  async run(context, values, [server]) {
    const { stdout, stderr, env, signal } = context;
    if (values.password !== undefined) {
      throw new UsageError("bad-value", "--password is refused: everyone on this machine can read the arguments of a command, and shells keep them", {
        hint: `Give the password on standard input:  laminate login --username ${values.username ?? "NAME"} --password-stdin${server === undefined ? "" : ` ${server}`} < FILE`,
      });
    }
    const registry = (server ?? "docker.io").replace(/^https?:\/\//, "").replace(/\/.*$/, "");
    const fromStdin = values["password-stdin"] === true;
    if (fromStdin && values.username === undefined) throw new UsageError("conflict", "Must provide --username with --password-stdin");
    const username = values.username ?? (await ask(context, "Username: ", true));
    const password = fromStdin ? (await readAll(context)).replace(/\r?\n$/, "") : await ask(context, "Password: ", false);
    if (username === "" || password === "") throw new UsageError("bad-value", "login needs a user name and a password");
    const { login } = await import("../../api/login.ts");
    const kept = await login(env, { registry, username, password, insecure: values.insecure === true }, signal);
    if ("file" in kept) {
      stderr.write(`WARNING! Your credentials are stored unencrypted in '${kept.file}'.\nConfigure a credential helper to remove this warning: docker's "credsStore" in that file.\n`);
    }
    stdout.write("Login Succeeded\n");
    return 0;
  },
});

async function readAll({ stdin }: CommandContext): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stdin) chunks.push(Buffer.from(chunk as Buffer));
  return Buffer.concat(chunks).toString("utf8");
}

/** Asks on the terminal; what is typed shows only with `echo`. */
async function ask({ stdin, stdout, signal }: CommandContext, question: string, echo: boolean): Promise<string> {
  if (!stdin.isTTY) {
    throw new UsageError("conflict", "cannot ask for the user name and password: standard input is no terminal; give --username and --password-stdin");
  }
  const [{ createInterface }, { Writable }] = await Promise.all([import("node:readline/promises"), import("node:stream")]);
  stdout.write(question);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: stdin, output: echo ? stdout : silent, terminal: true });
  try {
    return (await lines.question("", { signal })).trim();
  } finally {
    lines.close();
    if (!echo) stdout.write("\n");
  }
}
