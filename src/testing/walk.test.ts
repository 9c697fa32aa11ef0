import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { answer, startRegistry, type TestRegistry } from "./registry.ts";
import { spawnAsUser } from "./sandbox/as-user.ts";
import { until } from "./until.ts";

/*
 * The README's story, typed into a shell, with the built command: from a Dockerfile to a running, published image.
 * Once as root and once as an ordinary user. The steps of a walk stand on each other and run in order.
 */

const CHECKOUT = join(import.meta.dirname, "..", "..");
const APT = "RUN apt-get update";
const MINUTES = 60_000;

/** What a line typed into the shell printed and how it ended. */
interface Typed {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Someone at a shell, in a home directory of their own that holds a copy of examples/hello. */
class Walker {
  readonly home = mkdtempSync(join(tmpdir(), "laminate-walk-"));
  readonly app = join(this.home, "hello");
  readonly root: boolean;

  constructor(root: boolean) {
    this.root = root;
    cpSync(join(CHECKOUT, "examples/hello"), this.app, { recursive: true });
    if (!root) spawnSync("chmod", ["-R", "a+rwX", this.app]);
  }

  /** Types a line in the app's directory. */
  async type(line: string): Promise<Typed> {
    const { XDG_RUNTIME_DIR: _runtime, XDG_DATA_HOME: _data, DOCKER_CONFIG: _config, LAMINATE_SOURCE: _source, ...rest } = process.env;
    const env = { ...rest, HOME: this.home, LAMINATE_ROOT: join(this.home, "store"), PATH: `${CHECKOUT}/bin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin` };
    const argv = ["sh", "-c", 'cd "$0" && eval "$1"', this.app, line];
    const child: ChildProcess = this.root ? spawn(argv[0]!, argv.slice(1), { env, stdio: ["ignore", "pipe", "pipe"] }) : spawnAsUser(this.home, argv, { env });
    const [out, err] = [textOf(child.stdout!), textOf(child.stderr!)];
    const code = await new Promise<number | null>((resolve, reject) => child.once("error", reject).once("close", resolve));
    return { code, out: out(), err: err() };
  }

  /** As {@link type}, and it must succeed; gives what it printed on standard output. */
  async do(line: string): Promise<string> {
    const { code, out, err } = await this.type(line);
    expect({ line, code, ...(code === 0 ? {} : { out, err }) }).toEqual({ line, code: 0 });
    return out;
  }

  /** Types a build; gives the steps that it found in the cache, those that it ran, and all that it said. */
  async build(line: string): Promise<{ readonly cached: string[]; readonly ran: string[]; readonly said: string }> {
    const { code, out, err } = await this.type(line);
    const said = out + err;
    expect({ line, code, ...(code === 0 ? {} : { said }) }).toEqual({ line, code: 0 });
    const names = new Map([...said.matchAll(/^#(\d+) \[[^\]]*\d+\/\d+\] (.*)$/gm)].map(([, number, name]) => [number!, name!]));
    const ended = (how: string) => [...said.matchAll(new RegExp(`^#(\\d+) ${how}`, "gm"))].flatMap(([, number]) => names.get(number!) ?? []);
    return { cached: ended("CACHED"), ran: ended("DONE").filter((name) => !name.startsWith("FROM")), said };
  }

  /** Changes a file of the app. */
  edit(file: string, from: string | RegExp, to: string): void {
    const text = readFileSync(join(this.app, file), "utf8");
    expect(text).toMatch(from);
    writeFileSync(join(this.app, file), text.replace(from, to));
  }

  /** Every file of the store with its size and time of change, apart from the database's own lock files. */
  storeFiles(): string[] {
    const found = spawnSync("find", [join(this.home, "store"), "-type", "f", "-printf", "%P %s %T@\n"], { encoding: "utf8", maxBuffer: 1 << 30 });
    return found.stdout.split("\n").filter((line) => line !== "" && !/-(shm|wal) /.test(line)).sort();
  }
}

function textOf(stream: NodeJS.ReadableStream): () => string {
  let text = "";
  stream.setEncoding("utf8").on("data", (piece: string) => (text += piece));
  return () => text;
}

/** Why steps ran, one line a step. */
function reasons(said: string): string[] {
  return said.match(/\S.* runs again: .*/g) ?? [];
}

describe.sequential.each([
  { who: "root", root: true },
  { who: "an ordinary user", root: false },
])("$who walks from a Dockerfile to a published image", { timeout: 5 * MINUTES, skip: process.getuid?.() !== 0 || !existsSync("/usr/bin/mmdebstrap") }, ({ root }) => {
  let me: Walker;
  let registry: TestRegistry;
  let image: string;
  let servers: string;

  beforeAll(async () => {
    servers = mkdtempSync(join(tmpdir(), "laminate-walk-others-"));
    expect(existsSync(join(CHECKOUT, "dist")), "the built command: npm run build").toBe(true);
    me = new Walker(root);
    registry = await startRegistry({ users: { me: "a secret" } });
    image = `localhost:${registry.port}/me/test-image:1`;
  });

  afterAll(async () => {
    await me.type("laminate rm -f $(laminate ps -aq)");
    await registry[Symbol.asyncDispose]();
    rmSync(servers, { recursive: true, force: true });
    rmSync(me.home, { recursive: true, force: true });
  });

  test("laminate base debian:bookworm makes a base image where no registry can be reached", async () => {
    await me.do("laminate base debian:bookworm");
    expect(await me.do("laminate images")).toMatch(/^debian +bookworm +[0-9a-f]{12} /m);
  });

  test("laminate build -t test-image . builds the app", async () => {
    const { ran } = await me.build("laminate build -t test-image .");
    expect(ran).toEqual([expect.stringContaining(APT), "WORKDIR /app", "ADD static/ static/", "COPY server.py ./"]);
    expect(await me.do("laminate images test-image -q")).toMatch(/^[0-9a-f]{12}\n$/);
  });

  test("laminate run --rm -it test-image sh shows the project's files, file for file", async () => {
    const list = "find . -type f -exec sha256sum {} + | sort -k 2";
    const expected = (await me.do(list)).split("\n").filter((line) => line !== "" && !/ \.\/(Dockerfile|\.dockerignore|.*\.md)$/.test(line));
    expect(expected.length).toBeGreaterThan(1);
    const seen = await me.do(`(until laminate ps -q | grep -q .; do sleep 0.1; done; echo 'tty && ${list}; exit') | script -qec 'laminate run --rm -it test-image sh' /dev/null`);
    const lines = seen.replaceAll("\r", "").split("\n");
    expect(lines).toContain("/dev/pts/0");
    expect(lines.filter((line) => /^[0-9a-f]{64} {2}/.test(line))).toEqual(expected);
    expect(await me.do("laminate ps -aq")).toBe("");
  });

  test("run -d -P, ps, a page over HTTP, logs, exec, stop, rm", async () => {
    expect(await me.do("laminate run -d -P --name hello test-image")).toMatch(/^[0-9a-f]{64}\n$/);
    const listed = await me.do("laminate ps");
    expect(listed).toMatch(/^CONTAINER ID +IMAGE +COMMAND +CREATED +STATUS +PORTS +NAMES\n[0-9a-f]{12} +test-image +"python3 server.py" .* Up .*hello\n$/);
    const port = /:(\d+)->8000\/tcp/.exec(listed)?.[1];
    expect(await me.do("laminate port hello")).toBe(`8000/tcp -> 0.0.0.0:${port}\n`);
    expect(await answer(`http://127.0.0.1:${port}/`)).toContain("Hello from Laminate");
    await until(async () => (await me.do("laminate logs hello 2>&1")).includes("listening on port 8000"));
    expect(await me.do("laminate exec hello pwd")).toBe("/app\n");
    expect(await me.do("laminate exec -u 0 hello id -u")).toBe("0\n");
    expect(await me.do("laminate stop hello")).toBe("hello\n");
    expect(await me.do("laminate ps -a --format '{{.Names}} {{.State}}'")).toBe("hello exited\n");
    expect(await me.do("laminate rm hello")).toBe("hello\n");
    expect(await me.do("laminate ps -aq")).toBe("");
  });

  test("laminate history shows one layer, or an empty one, for each instruction", async () => {
    const lines = (await me.do("laminate history --no-trunc --format '{{.CreatedBy}}|{{.Size}}' test-image")).trim().split("\n");
    expect(lines.slice(0, 8)).toEqual([
      'CMD ["python3" "server.py"]|0B',
      "EXPOSE [8000/tcp]|0B",
      "USER www-data|0B",
      expect.stringMatching(/^COPY server.py .\/ # buildkit\|[1-9]/),
      expect.stringMatching(/^ADD static\/ static\/ # buildkit\|[1-9]/),
      "ENV GREETING=Hello from Laminate PORT=8000|0B",
      "WORKDIR /app|0B",
      expect.stringMatching(/^RUN \/bin\/sh -c apt-get update .*# buildkit\|[1-9.]+.*MB$/),
    ]);
    const layers = JSON.parse(await me.do("laminate inspect --format '{{json .RootFS.Layers}}' test-image")) as string[];
    expect(new Set(layers).size).toBe(5);
  });

  test("the same build again: every step CACHED, no sandbox started, nothing written", async () => {
    const before = me.storeFiles();
    const { cached, ran, said } = await me.build(`PATH=/nowhere ${CHECKOUT}/bin/laminate build -t test-image .`);
    expect({ cached: cached.length, ran }).toEqual({ cached: 4, ran: [] });
    expect(said).not.toContain("runs again");
    const after = me.storeFiles();
    expect(after.filter((line) => !before.includes(line))).toEqual([]);
    // What an ended command left in tmp is swept by the next.
    expect(before.filter((line) => !after.includes(line) && !line.startsWith("tmp/"))).toEqual([]);
  });

  test("a message changed in a later line: all above stays CACHED, the line runs again, and says why", async () => {
    writeFileSync(join(me.app, "Dockerfile"), `${readFileSync(join(me.app, "Dockerfile"), "utf8")}RUN echo "good morning" > /tmp/message\nRUN cat /tmp/message\n`);
    await me.build("laminate build -t test-image .");
    me.edit("Dockerfile", "good morning", "good evening");
    const { cached, ran, said } = await me.build("laminate build -t test-image .");
    expect(cached).toEqual([expect.stringContaining(APT), "WORKDIR /app", "ADD static/ static/", "COPY server.py ./"]);
    expect(ran).toEqual(['RUN echo "good evening" > /tmp/message', "RUN cat /tmp/message"]);
    const [first, ...following] = reasons(said);
    expect(first).toMatch(/RUN echo "good evening" .* runs again: the instruction was "RUN echo \\"good morning\\"/);
    expect(following).toEqual([expect.stringMatching(/RUN cat \/tmp\/message runs again: it stands on .*RUN echo "good evening"/)]);
  });

  test("a source file changed: what it needs is not installed again", async () => {
    me.edit("server.py", /^/, "# a change\n");
    const { cached, ran, said } = await me.build("laminate build -t test-image .");
    expect(cached).toEqual([expect.stringContaining(APT), "WORKDIR /app", "ADD static/ static/"]);
    expect(ran[0]).toBe("COPY server.py ./");
    const [first, ...following] = reasons(said);
    expect(first).toMatch(/COPY server.py .\/ runs again: server.py changed \(1 line\)$/);
    for (const one of following) expect(one).toMatch(/ runs again: it stands on .*COPY server.py .\/: server.py changed \(1 line\)$/);
  });

  test("another base: every command that stands on it runs again; what only copies stays", async () => {
    await me.do("printf 'FROM debian:bookworm\\nRUN touch /other\\n' | laminate build -t other -");
    me.edit("Dockerfile", "FROM debian:bookworm", "FROM other");
    const { cached, ran, said } = await me.build("laminate build -t test-image .");
    expect(cached).toEqual(["WORKDIR /app", "ADD static/ static/", "COPY server.py ./"]);
    expect(ran).toHaveLength(3);
    expect(reasons(said)).toHaveLength(3);
    for (const one of reasons(said)) expect(one).toMatch(/ runs again: it stands on other, not on debian:bookworm$/);
  });

  test("login, push, every image removed, pull, run", async () => {
    await me.do(`printf 'a secret' | laminate login --username me --password-stdin localhost:${registry.port}`);
    await me.do(`laminate tag test-image ${image} && laminate push ${image}`);
    await me.do("laminate rmi -f $(laminate images -q | sort -u)");
    expect(await me.do("laminate images -q")).toBe("");
    await me.do(`laminate pull ${image}`);
    expect(await me.do(`laminate run --rm ${image} sh -c 'cat /tmp/message; python3 -c "print(6 * 7)"'`)).toBe("good evening\n42\n");
  });

  test("skopeo reads the pushed image, umoci unpacks it, and runc runs it", async () => {
    const bundle = join(servers, "bundle");
    mkdirSync(bundle);
    const line = (command: string) => {
      const { status, stdout, stderr } = spawnSync("sh", ["-c", command], { encoding: "utf8", cwd: bundle });
      expect({ command, status, ...(status === 0 ? {} : { stderr }) }).toEqual({ command, status: 0 });
      return stdout;
    };
    line(`skopeo copy --src-tls-verify=false --src-creds 'me:a secret' docker://${image} oci:layout:1`);
    line("umoci unpack --image layout:1 unpacked");
    const config = JSON.parse(readFileSync(join(bundle, "unpacked/config.json"), "utf8")) as { process: { terminal: boolean; args: string[]; cwd: string } };
    expect(config.process).toMatchObject({ args: ["python3", "server.py"], cwd: "/app" });
    config.process = { ...config.process, terminal: false, args: ["python3", "-c", "print(open('/tmp/message').read())"] };
    writeFileSync(join(bundle, "unpacked/config.json"), JSON.stringify(config));
    expect(line(`runc --root state run --bundle unpacked laminate-walk-${process.pid}-${root ? "root" : "user"}`)).toBe("good evening\n\n");
  });

  test("buildah and podman pull the pushed image and run it", () => {
    const storage = join(servers, "containers");
    const line = (...argv: readonly string[]) => {
      const { status, stdout, stderr } = spawnSync(argv[0]!, argv.slice(1), { encoding: "utf8" });
      expect({ argv, status, ...(status === 0 ? {} : { stderr }) }).toEqual({ argv, status: 0 });
      return stdout;
    };
    const places = ["--root", storage, "--runroot", `${storage}.run`];
    const access = ["--tls-verify=false", "--creds", "me:a secret"];
    const program = ["python3", "-c", "print(open('/tmp/message').read() + open('server.py').readline())"];
    const said = "good evening\n# a change\n\n";
    try {
      line("buildah", ...places, "from", ...access, "--name", "walk", `docker://${image}`);
      expect(line("buildah", ...places, "run", "--isolation", "oci", "--runtime", "runc", "--network", "host", "walk", "--", ...program)).toBe(said);
      // Limits that any caller may set, and no cgroup manager but the files': nothing here is about those.
      const modest = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024", "--network", "host"];
      expect(line("podman", ...places, "--cgroup-manager", "cgroupfs", "--runtime", "runc", "--events-backend", "none", "run", "--rm", ...modest, image, ...program)).toBe(said);
    } finally {
      // containers/storage leaves its directory mounted on itself.
      spawnSync("umount", [join(storage, "overlay")]);
    }
  });
});
