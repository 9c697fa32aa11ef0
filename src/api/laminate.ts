import { homedir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { createSandbox, type Sandbox } from "../sandbox/sandbox.ts";
import { BuildIds } from "./build-ids.ts";
import { openStore, type Store } from "../store/store.ts";

/** What every verb of the library works on: a store, and a sandbox that starts when it is first needed. */
export interface Laminate extends AsyncDisposable {
  readonly store: Store;
  /** The sandbox with the default runtime. */
  readonly sandbox: Sandbox;
  readonly env: NodeJS.ProcessEnv;
  readonly root: string;
  /** The file that node runs with the argument `worker`. */
  readonly entry: string;
  readonly buildIds: BuildIds;
}

export interface LaminateOptions {
  /** The store's directory; by default LAMINATE_ROOT, /var/lib/laminate for root, ~/.local/share/laminate for a user. */
  readonly root?: string;
  readonly env: NodeJS.ProcessEnv;
  /** Looks at the store and leaves it as it is, as for a plan; one that is not there is an empty one. */
  readonly readOnly?: boolean;
}

/** Opens the store, making it where there is none. Throws StoreFailure for a store that cannot be used. */
export async function openLaminate({ root, env, readOnly = false }: LaminateOptions): Promise<Laminate> {
  const store = await openStore(storeRoot({ env, ...(root === undefined ? {} : { root }) }), { readOnly });
  const entry = fileURLToPath(new URL("../sandbox/worker/main.ts", import.meta.url));
  const sandbox = createSandbox({ env, root: store.root, entry, leftovers: store.leftovers });
  return {
    store,
    sandbox,
    env,
    root: store.root,
    entry,
    buildIds: new BuildIds(),
    async [Symbol.asyncDispose]() {
      await sandbox[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}

/** Where the store is, or would be. */
export function storeRoot({ root, env }: LaminateOptions): string {
  return path.resolve(root ?? env["LAMINATE_ROOT"] ?? defaultRoot(env));
}

/** As podman and others place it (XDG Base Directory Specification). */
function defaultRoot(env: NodeJS.ProcessEnv): string {
  if (process.getuid?.() === 0) {
    return "/var/lib/laminate";
  }
  const data = env["XDG_DATA_HOME"];
  return path.join(data !== undefined && path.isAbsolute(data) ? data : path.join(env["HOME"] ?? homedir(), ".local/share"), "laminate");
}
