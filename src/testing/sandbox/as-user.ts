import { spawn, type ChildProcess } from "node:child_process";
import { chownSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const TEST_UID = 2345;

const CHECKOUT = fileURLToPath(new URL("../../..", import.meta.url)).replace(/\/$/, "");

/**
 * As root: starts a command as an ordinary user with subordinate ids who exists only in a mount namespace of its own,
 * and who may open /dev/net/tun if `tun`, and has not the commands `without`. `directory` becomes that user's.
 */
export function spawnAsUser(directory: string, argv: readonly string[], options: { readonly env: NodeJS.ProcessEnv; readonly tun?: boolean; readonly without?: readonly string[]; readonly subordinate?: boolean; readonly stdin?: boolean }): ChildProcess {
  const etc = join(directory, "etc");
  mkdirSync(etc, { recursive: true });
  chownSync(directory, TEST_UID, TEST_UID);
  const subordinate = options.subordinate === false ? "" : "tester:300000:65536\n";
  const files = {
    passwd: `root:x:0:0:root:/root:/bin/sh\ntester:x:${TEST_UID}:${TEST_UID}::${directory}:/bin/sh\n`,
    group: `root:x:0:\ntester:x:${TEST_UID}:\n`,
    subuid: subordinate,
    subgid: subordinate,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(etc, name), text);
  const binds = Object.keys(files).map((name) => `mount --bind "$0/${name}" /etc/${name}`);
  const tun = options.tun === true ? ['{ [ -e "$0/tun" ] || mknod -m 666 "$0/tun" c 10 200; }', 'mount --bind "$0/tun" /dev/net/tun'] : [];
  const hidden = (options.without ?? []).map((path) => `mount --bind /dev/null ${path}`);
  const script = [...reachableCheckout(), ...binds, ...tun, ...hidden, `exec setpriv --reuid ${TEST_UID} --regid ${TEST_UID} --clear-groups --inh-caps=-all "$@"`].join(" && ");
  return spawn("unshare", ["--mount", "--propagation", "private", "sh", "-c", script, etc, ...argv], { env: options.env, stdio: [options.stdin === true ? "pipe" : "ignore", "pipe", "pipe"] });
}

/** An ordinary user as whom commands can be started, one after the other, each in the process that `prefix` begins. */
export interface EnteredUser extends Disposable {
  readonly prefix: readonly string[];
}

/** As root: keeps the mount namespace of {@link spawnAsUser} open, so that commands enter it without its preparations. */
export async function enterAsUser(directory: string): Promise<EnteredUser> {
  const holder = spawnAsUser(directory, ["setpriv", "--pdeathsig", "KILL", "sleep", "infinity"], { env: process.env });
  while (!readFileSync(`/proc/${holder.pid}/cmdline`, "latin1").startsWith("sleep")) {
    if (holder.exitCode !== null) throw new Error(`prepare an ordinary user in ${directory}: it ended with ${holder.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return {
    prefix: ["nsenter", `--mount=/proc/${holder.pid}/ns/mnt`, "setpriv", "--reuid", String(TEST_UID), "--regid", String(TEST_UID), "--clear-groups", "--inh-caps=-all", "env", `HOME=${directory}`],
    [Symbol.dispose]: () => void holder.kill("SIGKILL"),
  };
}

/** In a checkout below /root, mode 0700, the user could not even read the tests: it is bound where /root is an empty directory for all. */
function reachableCheckout(): string[] {
  const shut = ancestors(CHECKOUT).find((path) => (statSync(path).mode & 0o001) === 0);
  if (shut === undefined) return [];
  return ['mkdir -p "$0/checkout"', `mount --bind ${CHECKOUT} "$0/checkout"`, `mount -t tmpfs -o mode=755 tmpfs ${shut}`, `mkdir -p ${CHECKOUT}`, `mount --bind "$0/checkout" ${CHECKOUT}`];
}

/** The directories above and at a path, highest first. */
function ancestors(path: string): string[] {
  return path === "/" ? ["/"] : [...ancestors(dirname(path)), path];
}
