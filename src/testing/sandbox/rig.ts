import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, createReadStream, mkdirSync, mkdtempSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createSandbox, type Sandbox, type StepResult, type StepSpec } from "../../sandbox/sandbox.ts";
import { writeErofs } from "../../store/layers/erofs/write-erofs.ts";
import { indexOf } from "../../store/layers/ingest-tar.ts";
import type { Lower } from "../../store/layers/lower.ts";
import { indexedTar } from "../indexed-tar.ts";

/** How a rig has its layers mounted. */
export type Snapshots = "directory" | "erofs";

export const WORKER_ENTRY = fileURLToPath(new URL("../../sandbox/worker/main.ts", import.meta.url));

const APPLETS = ["sh", "cat", "chmod", "chown", "echo", "env", "find", "grep", "hostname", "id", "ip", "ln", "ls", "mkdir", "mount", "mv", "ps", "rm", "seq", "sleep", "stat", "sync", "test", "touch", "true", "unshare", "wget", "wc"];

/** A file tree in short: text is a file, `-> x` a link, null a directory. */
export type Files = Readonly<Record<string, string | null>>;

/** What a step did, its output as text, its layer as `tar -tv` shows it. */
export interface Ran extends StepResult {
  readonly stdout: string;
  readonly stderr: string;
  /** Paths in the layer, sorted as they stand. */
  readonly paths: readonly string[];
  readonly listing: string;
}

/** A sandbox over a store directory of its own, and a busybox image to run steps on. */
export class SandboxRig implements AsyncDisposable {
  readonly root: string;
  readonly sandbox: Sandbox;
  #count = 0;
  readonly #snapshots: Snapshots;
  #base: Promise<Lower> | undefined;

  constructor(directory: string, runtime: string, env: NodeJS.ProcessEnv, snapshots: Snapshots = "directory") {
    this.#snapshots = snapshots;
    this.root = mkdtempSync(join(directory, "store-"));
    this.sandbox = createSandbox({ env, root: this.root, runtime, entry: WORKER_ENTRY });
  }

  /** A layer of busybox with a passwd and a group file. */
  base(): Promise<Lower> {
    this.#base ??= this.#makeBase();
    return this.#base;
  }

  /** Makes a layer of a tree. */
  async layer(files: Files, change: (tree: string) => void = () => {}): Promise<Lower> {
    const tree = this.fresh("tree");
    for (const [path, content] of Object.entries(files)) {
      const target = join(tree, path);
      mkdirSync(dirname(target), { recursive: true });
      if (content === null) mkdirSync(target, { recursive: true });
      else if (content.startsWith("-> ")) symlinkSync(content.slice(3), target);
      else writeFileSync(target, content);
    }
    change(tree);
    const tar = `${tree}.tar`;
    execFileSync("tar", ["--create", "--file", tar, "--format=pax", "--owner=0", "--group=0", "--numeric-owner", "--sort=name", "--directory", tree, "."]);
    return this.layerOf(tar);
  }

  /** A layer's tar as the rig has its layers: unpacked by the worker, or mounted by it as it lies. */
  async layerOf(tar: string): Promise<Lower> {
    const target = this.fresh("layer-with-a-name-so-long-that-a-hundred-of-them-do-not-fit-a-page-of-memory");
    if (this.#snapshots === "directory") {
      await this.sandbox.unpack(await indexedTar(tar), target);
      return { kind: "directory", path: target };
    }
    const image = join(target, "erofs");
    assert(writeErofs(image, { entries: await indexOf(createReadStream(tar)), devices: [{ size: statSync(tar).size }] }));
    return { kind: "erofs", image, devices: [tar] };
  }

  /** Runs `sh -c script` on busybox, or what `over` says instead. */
  async run(script: string, over: Partial<StepSpec> & { readonly signal?: AbortSignal; readonly onOutput?: (text: string) => void } = {}): Promise<Ran> {
    const { signal, onOutput, ...step } = over;
    const out = { stdout: "", stderr: "" };
    const spec: StepSpec = { lowers: [await this.base()], scratch: this.fresh("scratch"), argv: ["/bin/sh", "-c", script], env: ["PATH=/bin"], cwd: "/", user: "", network: "host", ...step };
    const result = await this.sandbox.runStep(spec, {
      signal: signal ?? new AbortController().signal,
      onOutput: (stream, data) => {
        out[stream] += data.toString();
        onOutput?.(data.toString());
      },
    });
    const tar = (flags: string) => (result.layer === undefined ? "" : execFileSync("tar", [flags, result.layer.tar, "--numeric-owner"], { encoding: "utf8" }));
    return { ...result, ...out, paths: tar("-tf").split("\n").filter(Boolean), listing: tar("-tvf") };
  }

  fresh(kind: string): string {
    const path = join(this.root, `${kind}-${(this.#count += 1)}`);
    mkdirSync(path, { mode: 0o755 });
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sandbox[Symbol.asyncDispose]();
  }

  #makeBase(): Promise<Lower> {
    const files: Record<string, string> = {
      "etc/passwd": "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001:App:/home/app:/bin/sh\n",
      "etc/group": "root:x:0:\napp:x:1001:\nstaff:x:50:app,other\nvideo:x:44:app\n",
      "data/a": "a\n",
      "data/b": "b\n",
      "data/deep/c": "c\n",
    };
    return this.layer(files, (tree) => {
      for (const name of ["bin", "dev", "proc", "sys"]) mkdirSync(join(tree, name));
      mkdirSync(join(tree, "tmp"), { mode: 0o1777 });
      copyFileSync("/bin/busybox", join(tree, "bin/busybox"));
      for (const applet of APPLETS) symlinkSync("busybox", join(tree, "bin", applet));
    });
  }
}
