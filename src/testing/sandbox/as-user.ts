import { spawn, type ChildProcess } from "node:child_process";
import { chownSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export const TEST_UID = 2345;

/**
 * As root: starts a command as an ordinary user with subordinate ids who exists only in a mount namespace of its own,
 * and who may open /dev/net/tun if `tun`. `directory` becomes that user's.
 */
export function spawnAsUser(directory: string, argv: readonly string[], options: { readonly env: NodeJS.ProcessEnv; readonly tun?: boolean; readonly subordinate?: boolean }): ChildProcess {
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
  const tun = options.tun === true ? ['mknod -m 666 "$0/tun" c 10 200', 'mount --bind "$0/tun" /dev/net/tun'] : [];
  const script = [...binds, ...tun, `exec setpriv --reuid ${TEST_UID} --regid ${TEST_UID} --clear-groups --inh-caps=-all "$@"`].join(" && ");
  return spawn("unshare", ["--mount", "--propagation", "private", "sh", "-c", script, etc, ...argv], { env: options.env, stdio: ["ignore", "pipe", "pipe"] });
}
