import { spawn, spawnSync } from "node:child_process";
import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BUSYBOX, BuildRig } from "../testing/builds.ts";
import { ImageRig } from "../testing/images.ts";

/* A disk that is full or read-only, and files of the store that are not what they were: each command says so and loses nothing. */

const BIN = path.join(import.meta.dirname, "..", "..", "bin", "laminate");

/** The store's one image, and what a command line then says. */
async function damaged(damage: (root: string, image: string) => void, ...args: readonly string[]): Promise<{ readonly code: number; readonly err: string }> {
  await using rig = new ImageRig();
  const image = await rig.image("one:1");
  damage(rig.root, image);
  const before = listing(rig.root);
  const { code, err } = await rig.run(args);
  expect(listing(rig.root)).toEqual(before);
  return { code, err };
}

function listing(root: string): readonly string[] {
  return readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) => !name.startsWith("records.sqlite-")).sort();
}

function overwrite(file: string): void {
  writeFileSync(file, readFileSync(file).map((byte) => byte ^ 0x55));
}

const READING = [["images"], ["history", "one:1"], ["inspect", "one:1"], ["system", "df"], ["rmi", "one:1"], ["image", "prune", "-af"], ["tag", "one:1", "two:1"]];

test.each(["/proc/laminate", "/sys/laminate"])("a store below %s cannot be made, which is said at once", (root) => {
  const { status, stderr } = spawnSync(BIN, ["images", "--root", root], { encoding: "utf8", timeout: 20_000 });
  expect(status).toBe(1);
  expect(stderr).toMatch(/(no directory can be made there|permission denied).*\nchoose another place with --root or LAMINATE_ROOT/s);
});

describe("a store whose", () => {
  test.each(READING)("records are garbage: %s %s says which file, and what to do", async (...args) => {
    const said = await damaged((root) => writeFileSync(path.join(root, "records.sqlite"), "garbage ".repeat(1000)), ...args.filter((word) => word !== undefined));
    expect(said).toMatchObject({ code: 1, err: expect.stringMatching(/read the store's records ".*records\.sqlite": file is not a database\n?.*move it away/s) as unknown });
  });

  test.each([["cut to nothing", 0], ["cut in the middle", 6000]])("records are %s: no command takes it for an empty store", async (_, size) => {
    const said = await damaged((root) => truncateSync(path.join(root, "records.sqlite"), size), "images");
    expect(said).toMatchObject({ code: 1, err: expect.stringMatching(/read the store's records ".*records\.sqlite": (it is empty|database disk image is malformed)/) as unknown });
  });

  test("records were moved away has no image, and takes the same layers again", async () => {
    await using rig = new ImageRig();
    const id = await rig.image("one:1");
    rmSync(path.join(rig.root, "records.sqlite"));
    expect(await rig.ok(["images", "-q"])).toBe("");
    const layers = readdirSync(path.join(rig.root, "layers"));
    expect(await rig.image("one:1")).toMatch(/^sha256:/);
    expect(readdirSync(path.join(rig.root, "layers"))).toEqual(layers);
    expect(id).toMatch(/^sha256:/);
  });

  test.each([["later", "99\n", /has layout 99, and this version knows layouts up to \d+\nupdate laminate/], ["damaged", "one\n", /layout" should hold a number, and holds "one\\n"\nif nothing else was changed, write it again/]])("layout is %s is left alone", async (_, text, words) => {
    for (const args of READING) {
      const said = await damaged((root) => writeFileSync(path.join(root, "layout"), text), ...args);
      expect(said).toMatchObject({ code: 1, err: expect.stringMatching(words) as unknown });
    }
  });

  test("config or manifest was changed: it is never used, and the image can be removed", async () => {
    await using rig = new ImageRig();
    const id = await rig.image("one:1");
    const file = path.join(rig.root, "blobs/sha256", id.slice(7));
    overwrite(file);
    for (const args of [["history", "one:1"], ["inspect", "one:1"], ["run", "one:1", "true"], ["save", "-o", "x.tar", "one:1"]]) {
      expect({ args, ...(await rig.run(args)) }).toMatchObject({ args, code: expect.not.stringMatching("^0$") as unknown, err: expect.stringMatching(/its file in the store was changed\n?.*remove/s) as unknown });
    }
    expect(existsSync(path.join(rig.directory, "x.tar"))).toBe(false);
    await rig.ok(["rmi", "one:1"]);
    expect(await rig.ok(["images", "-q"])).toBe("");
  });

  test("layer index is damaged: it is made again from the layer's tar", async () => {
    await using rig = new BuildRig();
    await rig.image("one:1");
    const [layer] = readdirSync(path.join(rig.root, "layers"));
    const file = path.join(rig.root, "layers", layer!, "index");
    for (const damage of ['{"version":', '{"version":1,"size":0,"entries":[]}', ""]) {
      writeFileSync(file, damage);
      await rig.ok(["build", "--no-cache", "-q", rig.context({ Dockerfile: "FROM one:1\nCOPY Dockerfile /\n" })]);
      expect(readFileSync(file, "latin1")).toMatch(/^laminate index 3\n/);
    }
  });

  test.each([["a word", "5"], ["null", "null"], ["no JSON", "{x"], ["another thing's", '{"id":"x","at":"y"}']])("single records hold %s: each counts as none, a build says so and makes what it needs again, and all commands work", async (_, value) => {
    await using rig = new BuildRig();
    await rig.image("one:1");
    const context = rig.context({ Dockerfile: "FROM one:1\nWORKDIR /a\nCOPY Dockerfile ./\nADD --chown=1:2 Dockerfile /b/\n" });
    const build = ["build", "--progress", "plain", "--build-arg", "SOURCE_DATE_EPOCH=1"];
    await rig.ok([...build, "-t", "two:1", context]);
    const database = new DatabaseSync(path.join(rig.root, "records.sqlite"));
    database.prepare("UPDATE records SET value = ?").run(value);
    database.close();
    for (const line of [["plan", context], ["builds"], ["system", "df", "-v"], ["history", "two:1"], ["builder", "prune", "--dry-run", "--all"], ["image", "prune", "-f"]]) expect({ line, ...(await rig.run(line)) }).toMatchObject({ line, code: 0 });
    expect(await rig.run(["why"])).toMatchObject({ code: 1, err: expect.stringMatching(/^laminate: no build is kept/) as unknown });
    const again = await rig.run([...build, "-t", "two:2", context]);
    expect(again).toMatchObject({ code: 0, err: expect.stringMatching(/WARNING: \d+ damaged records of the store counted as none and went \(.*build-records, .*steps\)/) as unknown });
    expect(await rig.ok(["inspect", "-f", "{{.RootFS.Layers}}", "two:2"])).toBe(await rig.ok(["inspect", "-f", "{{.RootFS.Layers}}", "two:1"]));
    await rig.ok(["builder", "prune", "-af"]);
    expect((await rig.run(["build", "--progress", "plain", context])).err).not.toContain("damaged");
  });

  test("compressed blob was changed: it does not leave the store", async () => {
    await using rig = new ImageRig();
    await rig.image("one:1", { big: "x".repeat(100_000) });
    await rig.ok(["save", "-o", "first.tar", "one:1"]);
    const [layer] = readdirSync(path.join(rig.root, "layers"));
    appendFileSync(path.join(rig.root, "layers", layer!, "tar"), "more");
    const { code } = await rig.run(["save", "-o", "second.tar", "one:1"]);
    expect(code).not.toBe(0);
    expect(existsSync(path.join(rig.directory, "second.tar"))).toBe(false);
  });
});

describe.skipIf(BUSYBOX === undefined || process.geteuid?.() !== 0)("on a disk", () => {
  let directory: string;
  let archive: string;
  beforeAll(async () => {
    directory = mkdtempSync(path.join(tmpdir(), "laminate-disk-"));
    archive = path.join(directory, "busybox.tar");
    await using rig = new BuildRig();
    await rig.busybox();
    await rig.ok(["save", "-o", archive, "busybox"]);
    writeFileSync(path.join(directory, "Dockerfile"), "FROM busybox\nCOPY big /big\n");
    writeFileSync(path.join(directory, "Dockerfile.run"), "FROM busybox\nRUN while cat /bin/busybox; do :; done > /big\n");
    writeFileSync(path.join(directory, "big"), Buffer.alloc(30 << 20, "big "));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  /** Runs a script where `$disk` is a file system of 20 MiB of its own, with a store on it that has busybox; `try COMMAND` prints its exit code and complaint. */
  async function onDisk(script: string): Promise<string> {
    const begin = `set -e; disk=${directory}/disk; mkdir -p $disk; mount -t tmpfs -o size=20m tmpfs $disk; export LAMINATE_ROOT=$disk/store; cd ${directory}; try() { set +e; said=$("${BIN}" "$@" 2>&1 >/dev/null); code=$?; set -e; echo "$1: $code $(printf %s "$said" | tr '\\n' '|')"; }; "${BIN}" load -q -i ${archive} >/dev/null; `;
    const child = spawn("unshare", ["--mount", "--propagation", "private", "sh", "-c", begin + script], { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (said += text));
    await new Promise((resolve) => child.once("close", resolve));
    return said;
  }

  const FULL = "write to the store: no space left on its disk|free some space, or move the store with --root or LAMINATE_ROOT";

  test("that becomes full, build, import and load end with one line and a hint, leave no scratch, and the store works on", async () => {
    const said = await onDisk(`
      before=$(ls $LAMINATE_ROOT/layers | wc -l)
      tar -cf root.tar big
      try import root.tar big
      try load -i root.tar
      try build -q --network none -t x .
      try build -q --network none -t x -f Dockerfile.run .
      echo "layers: $(($(ls $LAMINATE_ROOT/layers | wc -l) - before)) scratch: $(ls $LAMINATE_ROOT/tmp | wc -l)"
      try run --rm --network none busybox true`);
    const lines = said.split("\n");
    expect(lines[0]).toBe(`import: 1 laminate: ${FULL}`);
    expect(lines[1]).toBe(`load: 1 laminate: ${FULL}`);
    expect(lines[2]).toContain(`write to the store: no space left on its disk|free some space`);
    expect(lines[3]).toMatch(/^build: 1 .*(No space left on device|no space left)/);
    expect(lines.slice(4)).toEqual(["layers: 0 scratch: 0", "run: 0 ", ""]);
  });

  test("that is full to the last byte, what is there can be listed and removed", async () => {
    const said = await onDisk(`
      head -c 100m /dev/zero > $disk/filler 2>/dev/null || true
      try images; try history busybox; try system df; try tag busybox other; try import big nothing
      try rmi -f busybox; try system prune -af
      rm $disk/filler
      try images; ls $LAMINATE_ROOT/layers | wc -l`);
    expect(said.split("\n")).toEqual([
      "images: 0 ",
      "history: 0 ",
      "system: 0 ",
      expect.stringMatching(/^tag: [01] /) as unknown,
      expect.stringMatching(/^import: 1 laminate: /) as unknown,
      expect.stringMatching(/^rmi: 0 /) as unknown,
      "system: 0 ",
      "images: 0 ",
      "0",
      "",
    ]);
  });

  test("that is read-only, what is there can be read, and what would write says so", async () => {
    const said = await onDisk(`
      mount -o remount,ro $disk
      try images; try history busybox; try inspect busybox; try save -o out.tar busybox; try system df
      try tag busybox other; try rmi busybox; try import root.tar x; try build -q -t x .
      mount -o remount,rw $disk
      try tag busybox other; try run --rm --network none other true`);
    const readOnly = expect.stringMatching(/: 1 .*(read-?only|EROFS)/i) as unknown;
    expect(said.split("\n")).toEqual(["images: 0 ", "history: 0 ", "inspect: 0 ", "save: 0 ", "system: 0 ", readOnly, readOnly, readOnly, readOnly, "tag: 0 ", "run: 0 ", ""]);
  });
});
