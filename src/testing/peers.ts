import path from "node:path";

/** The builders that others wrote, in a root directory of their own beside which they and we see the same files below /work. */
export interface Peers {
  readonly root: string;
  /** What a command is started through. */
  readonly prefix: readonly string[];
  /** Where both sides see the same files. */
  readonly work: string;
  /** A path below {@link work} as the peers name it. */
  inside(path: string): string;
}

/** The command of docker's client, in the peers' root directory. */
export const DOCKER = ["env", "DOCKER_HOST=unix:///run/docker-peer.sock", "docker"] as const;

/** Where the peers are: as the flag --peer-root says, or PEER_ROOT; undefined where neither does. */
export function findPeers(flag: string | undefined, env: NodeJS.ProcessEnv): Peers | undefined {
  const root = flag ?? env["PEER_ROOT"] ?? "";
  if (root === "") return undefined;
  return { root, prefix: ["chroot", root], work: path.join(root, "work"), inside: (file) => path.join("/", path.relative(root, file)) };
}
