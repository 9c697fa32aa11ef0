import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BUSYBOX, BuildRig, type ContextFile, tool, writeFiles } from "../testing/builds.ts";

/* Advice on a Dockerfile is tried before it is given: measured, and its image compared. */

const rig = new BuildRig();
beforeAll(async () => {
  if (BUSYBOX === undefined) return;
  await rig.busybox();
  await rig.ok(["build", "-q", "--network=none", "-t", "node", rig.context({ Dockerfile: "FROM busybox\nCOPY npm /bin/npm\n", npm: { text: NPM, mode: 0o755 } })]);
});
afterAll(() => rig[Symbol.asyncDispose]());

/** Reads the manifests and nothing else, as npm does, and takes a while. */
const NPM = `#!/bin/sh
set -e
case "$1" in
ci) sleep 0.5; mkdir -p node_modules; cat package.json package-lock.json > node_modules/.deps ;;
run) cat src/* node_modules/.deps > built ;;
esac
`;

const FILES = { "package.json": "{}\n", "package-lock.json": "{}\n", "src/index.js": "1\n", "src/other.js": "2\n", "README.md": "read\n" };

interface Told {
  readonly changes: { readonly builds: number };
  readonly proposals: readonly Line[];
  readonly together?: Line;
}

interface Line {
  readonly kind: string;
  readonly title: string;
  readonly verdict: string;
  readonly reason?: string;
  readonly ratio?: number;
  readonly patch?: string;
  readonly change?: { readonly path?: string };
  readonly basis?: { readonly recorded: number };
  readonly before?: { readonly seconds: number; readonly bytes: number };
  readonly after?: { readonly seconds: number; readonly bytes: number };
  readonly differences: readonly { readonly path: string }[];
  readonly dropped: readonly string[];
}

async function advised(directory: string, ...args: readonly string[]): Promise<Told> {
  return JSON.parse(await rig.ok(["advise", "--network=none", "--format=json", ...args, directory])) as Told;
}

function project(dockerfile: string, files: Readonly<Record<string, ContextFile>> = {}): string {
  return rig.context({ ...FILES, ...files, Dockerfile: dockerfile });
}

async function build(directory: string, ...args: readonly string[]): Promise<string> {
  return await rig.ok(["build", "-q", "--network=none", ...args, directory]);
}

describe.skipIf(BUSYBOX === undefined)("advise", () => {
  test("installs before the sources are copied: proven faster with the same files, given as a patch, and applied", async () => {
    const bad = "FROM node\nWORKDIR /app\n# the whole project\nCOPY . .\nRUN npm ci\nRUN npm run build\n";
    const directory = project(bad);
    await build(directory);
    for (const content of ["3\n", "4\n"]) {
      writeFiles(directory, { "src/other.js": content });
      await build(directory);
    }
    const told = await advised(directory, "--apply");
    expect(told.changes.builds).toBe(3);
    const [order] = told.proposals;
    expect(order).toMatchObject({ kind: "order", verdict: "saves", change: { path: "src/other.js" }, basis: { recorded: 2 }, differences: [] });
    expect(order!.before!.seconds).toBeGreaterThan(0.5);
    expect(order!.ratio).toBeGreaterThan(1.5);
    expect(readFileSync(path.join(directory, "Dockerfile"), "utf8")).toBe("FROM node\nWORKDIR /app\nCOPY package-lock.json package.json ./\nRUN npm ci\n# the whole project\nCOPY . .\nRUN npm run build\n");
    tool("git", ["apply", "-R", "-p0", "-"], { cwd: path.dirname(directory), input: Buffer.from(order!.patch!) });
    expect(readFileSync(path.join(directory, "Dockerfile"), "utf8")).toBe(bad);
  });

  test("parts a RUN that installs and builds; nothing of a trial stays in the store, and the Dockerfile and its context are as they were", async () => {
    const directory = project("FROM node\nWORKDIR /app\nCOPY . ./\nRUN npm ci && npm run build\n");
    await build(directory);
    const state = async (): Promise<string[]> => [await rig.ok(["images", "-a", "-q"]), await rig.ok(["builds", "-q"]), tool("find", [directory, "-printf", "%p %s %T@\\n"]).toString()];
    const before = await state();
    const { proposals: [order] } = await advised(directory);
    expect(await state()).toEqual(before);
    expect(tool("find", [path.join(rig.root, "tmp"), "-mindepth", "1"]).toString()).toBe("");
    expect(order).toMatchObject({ kind: "order", verdict: "saves", basis: { recorded: 0 } });
    expect(order!.patch).toContain("+COPY package-lock.json package.json ./\n+RUN npm ci\n COPY . ./\n-RUN npm ci && npm run build\n+RUN npm run build");
  });

  test("an install that looks at the sources after all is tried, and left out", async () => {
    await rig.ok(["build", "-q", "--network=none", "-t", "node-hook", rig.context({ Dockerfile: "FROM busybox\nCOPY npm /bin/npm\n", npm: { text: "#!/bin/sh\nsleep 0.3; ls > listed\n", mode: 0o755 } })]);
    const directory = project("FROM node-hook\nWORKDIR /app\nCOPY . .\nRUN npm ci\n");
    await build(directory);
    const told = await rig.ok(["advise", "--network=none", "--all", directory]);
    expect(told).toMatch(/^Tried, and left out:\n- Copy .* alone for npm.*\n {2}the image holds other files$/m);
    expect(told).toMatch(/^ {3}differs: \/app\/listed \(changed\)$/m);
  });

  test("leaves .git out of the context; what is meant to be gone is listed, and .dockerignore made", async () => {
    const directory = project("FROM node\nCOPY . /app\nRUN sleep 0.3; wc -c /app/src/* > /size\n", { ".git/HEAD": "ref\n", ".git/index": "x".repeat(20_000) });
    const told = await rig.ok(["advise", "--network=none", "--apply", directory]);
    expect(told).toMatch(/^1\. Leave \.git out of the build context \(line 2\)\n {3}built again after \.git\/.* changed: \d+\.\d\ds before, \d+\.\d\ds after, \d+\.\d times as fast\n/m);
    expect(told).toContain("   the images hold the same files, before that change and after it, but for these:\n   meant to be gone: /app/.git, /app/.git/HEAD, /app/.git/index\n");
    expect(told).toContain("--- .dockerignore\n+++ .dockerignore\n@@ -0,0 +1,1 @@\n+.git\n");
    expect(readFileSync(path.join(directory, ".dockerignore"), "utf8")).toBe(".git\n");
  });

  test("removes files in the RUN that made them: the layers are smaller, the image is the same", async () => {
    const directory = project("FROM node\nRUN cat /bin/busybox /bin/busybox > /big\nRUN rm -f /big\n");
    const { proposals } = await advised(directory);
    const [joined] = proposals.filter(({ kind }) => kind === "same-run");
    expect(joined).toMatchObject({ verdict: "saves", differences: [] });
    expect(joined!.before!.bytes - joined!.after!.bytes).toBeGreaterThan(500_000);
    expect(joined!.patch).toContain("+RUN cat /bin/busybox /bin/busybox > /big \\\n+    && rm -f /big");
  });

  test("declares an argument that changed between builds behind what does not need it; all that saves is built once together", async () => {
    const directory = project("FROM node\nARG VERSION=1\nENV V=$VERSION\nWORKDIR /app\nCOPY . .\nRUN npm ci\nRUN sleep 0.3; echo slow > /slow\nRUN echo $V > /version\n");
    await build(directory, "--build-arg=VERSION=1");
    await build(directory, "--build-arg=VERSION=2");
    const { proposals, together } = await advised(directory, "--apply");
    expect(proposals.filter(({ verdict }) => verdict === "saves").map(({ kind }) => kind)).toEqual(["order", "argument"]);
    expect(proposals[1]!.patch).toContain("-ARG VERSION=1\n-ENV V=$VERSION\n");
    expect(together).toMatchObject({ kind: "all", verdict: "saves", differences: [] });
    expect(readFileSync(path.join(directory, "Dockerfile"), "utf8")).toBe("FROM node\nWORKDIR /app\nCOPY package-lock.json package.json ./\nRUN npm ci\nCOPY . .\nRUN sleep 0.3; echo slow > /slow\nARG VERSION=1\nENV V=$VERSION\nRUN echo $V > /version\n");
  });

  test("what cannot be built has no advice, but its mistake", async () => {
    expect(await rig.run(["advise", "--network=none", project("FROM node\nCOPY . .\nRUN npm ci\nRUN false\n")])).toMatchObject({ code: 1, err: expect.stringContaining("exit code: 1") as string });
    expect(await rig.run(["advise", "https://example.com/x.git"])).toMatchObject({ code: 1, err: expect.stringContaining("is not a directory of this machine") as string });
  });
});
