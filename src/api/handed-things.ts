import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { errnoOf } from "../base/failure.ts";
import type { HandedThings } from "../executors/run/run-mounts.ts";
import { RequestFailure } from "./api-error.ts";

/** Where a secret's value is: a file, or a variable of our environment. */
export type SecretSource = { readonly id: string; readonly file: string } | { readonly id: string; readonly env: string };

/** An agent's socket, or keys for an agent of the build's own; without either the agent of our environment. */
export interface AgentSource {
  readonly id: string;
  readonly paths: readonly string[];
}

export interface HandedOptions {
  readonly secrets: readonly SecretSource[];
  readonly agents: readonly AgentSource[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

/** BuildKit's own bound. */
const MAX_SECRET = 500 << 10;
const STARTING_MS = 5000;

/**
 * The secrets and agents of a build. Files are looked for at once, so that a wrong name is said before anything is
 * built; what is in them is read when a step asks. Throws RequestFailure `bad-secret` or `bad-agent`.
 */
export function openHandedThings(options: HandedOptions): HandedThings & AsyncDisposable {
  return new Handed(options);
}

class Handed implements HandedThings, AsyncDisposable {
  readonly #options: HandedOptions;
  readonly #secrets: ReadonlyMap<string, SecretSource>;
  readonly #agents: ReadonlyMap<string, AgentSource>;
  readonly #started = new Map<string, Promise<string>>();
  readonly #ours: ChildProcess[] = [];

  constructor(options: HandedOptions) {
    this.#options = options;
    this.#secrets = new Map(options.secrets.map((secret) => [secret.id, secret]));
    this.#agents = new Map(options.agents.map((agent) => [agent.id, agent]));
    for (const secret of options.secrets) {
      if ("file" in secret) checkSecretFile(secret, this.#path(secret.file));
    }
    for (const agent of options.agents) this.#check(agent);
  }

  secret(id: string): Buffer | undefined {
    const source = this.#secrets.get(id);
    if (source === undefined) return undefined;
    if ("env" in source) {
      const value = this.#options.env[source.env];
      return value === undefined ? undefined : Buffer.from(value);
    }
    return checkSecretFile(source, this.#path(source.file), (file) => readFileSync(file));
  }

  async agent(id: string): Promise<string | undefined> {
    const source = this.#agents.get(id);
    if (source === undefined) return undefined;
    const [first = this.#options.env["SSH_AUTH_SOCK"]!] = source.paths;
    if (isSocket(this.#path(first))) return this.#path(first);
    let started = this.#started.get(id);
    if (started === undefined) {
      started = this.#start(source);
      this.#started.set(id, started);
    }
    return started;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const keeper of this.#ours) keeper.stdin?.end();
    await Promise.all(this.#ours.map((keeper) => (keeper.exitCode === null && keeper.pid !== undefined ? once(keeper, "close") : undefined)));
  }

  #path(file: string): string {
    return path.resolve(this.#options.cwd, file);
  }

  #check({ id, paths }: AgentSource): void {
    const own = this.#options.env["SSH_AUTH_SOCK"];
    if (paths.length === 0 && (own === undefined || own === "" || !isSocket(own))) {
      throw new RequestFailure("bad-agent", `invalid empty ssh agent socket: --ssh ${id} needs SSH_AUTH_SOCK to name an agent's socket`, { hint: `start one, eval $(ssh-agent), or name keys: --ssh ${id}=$HOME/.ssh/id_ed25519` });
    }
    for (const one of paths) {
      if (!existsSync(this.#path(one))) throw new RequestFailure("bad-agent", `--ssh ${id}: there is no ${JSON.stringify(one)}`);
    }
    if (paths.length > 1 && paths.some((one) => isSocket(this.#path(one)))) {
      throw new RequestFailure("bad-agent", `--ssh ${id}: an agent's socket stands alone`);
    }
    if (paths.length > 0 && !isSocket(this.#path(paths[0]!)) && !isInstalled("ssh-agent", this.#options.env)) {
      throw new RequestFailure("bad-agent", `--ssh ${id}: keys need an agent, and ssh-agent is not installed`, { hint: "install openssh-client, or name the socket of an agent that runs" });
    }
  }

  /** An agent that lives as long as the build and holds these keys. */
  async #start({ id, paths }: AgentSource): Promise<string> {
    const directory = mkdtempSync(path.join(tmpdir(), "laminate-agent-"));
    const socket = path.join(directory, "agent");
    // It says when the agent listens, whose socket is there before; it ends, and takes its directory along, when its standard input does: so also when we are killed.
    const script = 'echo; cat >/dev/null; kill "$SSH_AGENT_PID"; rm -rf -- "$0"';
    const keeper = spawn("ssh-agent", ["-a", socket, "sh", "-c", script, directory], { stdio: ["pipe", "pipe", "ignore"], detached: true, env: { PATH: this.#options.env["PATH"] } });
    keeper.on("error", () => {});
    this.#ours.push(keeper);
    const listens = once(keeper.stdout, "data").then(() => true);
    const ended = once(keeper, "close").then(() => false, () => false);
    if (!(await Promise.race([listens, ended, sleep(STARTING_MS, false, { ref: false })]))) throw new RequestFailure("bad-agent", `--ssh ${id}: ssh-agent did not start`);
    const add = spawn("ssh-add", ["-q", ...paths.map((one) => this.#path(one))], { stdio: ["ignore", "ignore", "pipe"], env: { PATH: this.#options.env["PATH"], SSH_AUTH_SOCK: socket, SSH_ASKPASS_REQUIRE: "never" } });
    let said = "";
    add.stderr.on("data", (data: Buffer) => (said += data.toString()));
    const code = await new Promise<number | null>((resolve) => add.once("close", resolve).once("error", () => resolve(null)));
    if (code !== 0) {
      throw new RequestFailure("bad-agent", `--ssh ${id}: cannot load the key: ${said.trim().split("\n").at(-1) ?? ""}`, { hint: "a key with a passphrase is for an agent of yours: ssh-add, then --ssh default" });
    }
    return socket;
  }
}

function checkSecretFile({ id }: { readonly id: string }, file: string): undefined;
function checkSecretFile<T>(source: { readonly id: string }, file: string, read: (file: string) => T): T;
function checkSecretFile<T>({ id }: { readonly id: string }, file: string, read?: (file: string) => T): T | undefined {
  try {
    const { size } = statSync(file);
    if (size > MAX_SECRET) throw new RequestFailure("bad-secret", `the secret ${id} has ${size} bytes; at most ${MAX_SECRET} are taken`);
    return read?.(file);
  } catch (error) {
    if (error instanceof RequestFailure) throw error;
    const reason = errnoOf(error) === "ENOENT" ? "there is no such file" : errnoOf(error) === "EISDIR" ? "it is a directory" : String(errnoOf(error));
    throw new RequestFailure("bad-secret", `cannot read the secret ${id} from ${JSON.stringify(file)}: ${reason}`, { cause: error });
  }
}

function isSocket(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isSocket() === true;
}

function isInstalled(program: string, env: NodeJS.ProcessEnv): boolean {
  return (env["PATH"] ?? "").split(":").some((directory) => directory !== "" && existsSync(path.join(directory, program)));
}
