import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { BUSYBOX, BuildRig, type ContextFile } from "../testing/builds.ts";
import { findCommand } from "../sandbox/search-path.ts";

const rig = new BuildRig();
beforeAll(() => (BUSYBOX === undefined ? undefined : rig.busybox()));
afterAll(() => rig[Symbol.asyncDispose]());

/** What `out` of the last layer says after a RUN, whose own mounts must have left nothing else. */
async function out(name: string, files: Parameters<BuildRig["context"]>[0], ...args: readonly string[]): Promise<string> {
  const image = await rig.built(name, files, ...args);
  expect(image.layers.at(-1)!.map((entry) => entry.path)).toEqual(["out"]);
  return image.text("out");
}

/** Whether any file of the store holds a text. */
function storeHolds(text: string): boolean {
  try {
    execFileSync("grep", ["-raqF", text, rig.root], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(BUSYBOX === undefined)("RUN --mount=type=bind", () => {
  const files = { "src/a": "a\n", "src/no": "no\n", b: "b\n", link: { link: "src/a" }, ".dockerignore": "src/no\n" };

  test("shows the build context read-only, without what .dockerignore leaves out", async () => {
    const Dockerfile = "FROM busybox\nRUN --mount=target=/new/src,source=src ls /new/src > /out; touch /new/src/x || echo read-only >> /out\n";
    expect(await out("bind", { Dockerfile, ...files })).toBe("a\nread-only\n");
  });

  test("shows one file, links in the source followed, at a target that variables and WORKDIR make", async () => {
    const Dockerfile = "FROM busybox\nARG S=link\nWORKDIR /tmp\nRUN --mount=type=bind,source=${S},dst=sub/$S cat /tmp/sub/link > /out\n";
    const image = await rig.built("bind-file", { Dockerfile, ...files });
    expect(image.text("out")).toBe("a\n");
    expect(image.layers.at(-1)!.map((entry) => entry.path)).toEqual(["out"]);
  });

  test("with rw lets the step write, and throws it away", async () => {
    const Dockerfile = "FROM busybox\nRUN --mount=target=/s,source=src,rw echo new > /s/a; cat /s/a > /out\nRUN --mount=target=/s,source=src cat /s/a > /out\n";
    expect(await out("bind-rw", { Dockerfile, ...files })).toBe("a\n");
  });

  test("shows a part of a stage or an image with its owners", async () => {
    const Dockerfile = `FROM busybox AS made
RUN mkdir -p /d/e; echo x > /d/e/x; chown 5:6 /d/e/x; ln -s /d/e /l
FROM busybox
RUN --mount=from=made,source=/l,target=/m --mount=from=busybox,source=/etc/passwd,target=/p ls -ln /m | grep -c " 5 *6 .*x" > /out; grep -o ^web /p >> /out
`;
    expect(await out("bind-stage", { Dockerfile })).toBe("1\nweb\n");
  });

  test("runs again when a file below the source changes, and says which, and not when another one does", async () => {
    const Dockerfile = "FROM busybox\nRUN --mount=target=/s,source=src cat /s/a > /out\n";
    const directory = rig.context({ Dockerfile, ...files });
    expect((await rig.build(directory)).code).toBe(0);
    writeFileSync(path.join(directory, "b"), "other\n");
    writeFileSync(path.join(directory, "src/no"), "other\n");
    expect((await rig.build(directory)).err).toMatch(/RUN --mount[^\n]*\n#\d+ CACHED/);
    writeFileSync(path.join(directory, "src/a"), "other\n");
    expect((await rig.build(directory)).err).toContain("runs again: src/a changed");
  });
});

describe.skipIf(BUSYBOX === undefined)("RUN --mount=type=cache", () => {
  test("keeps a directory between steps and builds, in no layer and no key", async () => {
    const step = (n: number) => `RUN --mount=type=cache,id=kept,target=/c,uid=7,gid=8,mode=0750 echo ${n} >> /c/log; cat /c/log > /out; ls -dln /c | grep -c "^drwxr-x--- .* 7 *8 " >> /out\n`;
    expect(await out("cache", { Dockerfile: `FROM busybox\n${step(1)}${step(2)}` })).toBe("1\n2\n1\n");
    expect(await out("cache", { Dockerfile: `FROM busybox\n${step(3)}` })).toBe("1\n2\n3\n1\n");
    const { err } = await rig.build(rig.context({ Dockerfile: `FROM busybox\n${step(3)}` }));
    expect(err).toMatch(/id=kept[^\n]*\n#\d+ CACHED/);
  });

  test("starts with the files of from, and read-only refuses to write", async () => {
    const Dockerfile = "FROM busybox AS seed\nRUN mkdir /s; echo seed > /s/f; chown 9:9 /s/f\nFROM busybox\nRUN --mount=type=cache,target=/c,from=seed,source=/s,ro touch /c/x; cat /c/f > /out; ls -ln /c/f | grep -c ' 9 * 9 ' >> /out\n";
    expect(await out("cache-seed", { Dockerfile })).toBe("seed\n1\n");
  });

  test("is for one step after the other when locked, for all at once when shared, another one each when private", async () => {
    // Those that are to meet wait for one another, as a busy machine may start the other seconds later; those that are not look about for a second.
    const meet = "n=0; until [ $(ls /c | wc -l) = 2 ] || [ $n = 300 ]; do n=$((n+1)); sleep 0.1; done; ls /c | wc -l > /seen";
    const look = (name: string) => `for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.1; ls /c | wc -l; done > /seen; rm /c/${name}`;
    const stages = (sharing: string, id = `${sharing}-${Date.now()}`) =>
      ["a", "b"].map((name) => `FROM busybox AS ${name}\nRUN --mount=type=cache,id=${id},target=/c,sharing=${sharing} touch /c/${name}; ${sharing === "shared" ? meet : look(name)} # ${name} ${sharing}\n`).join("");
    const seen = async (sharing: string) => {
      const Dockerfile = `${stages(sharing)}FROM busybox\nCOPY --from=a /seen /a\nCOPY --from=b /seen /b\nRUN cat /a /b > /out\n`;
      return new Set((await out(`cache-${sharing}`, { Dockerfile })).trim().split("\n").map(Number));
    };
    expect(await seen("locked")).toEqual(new Set([1]));
    expect(await seen("private")).toEqual(new Set([1]));
    expect(await seen("shared")).toEqual(new Set([2]));
  });

  test("counts in system df and goes with builder prune, alone with --filter type=exec.cachemount", async () => {
    await using own = new BuildRig();
    await own.busybox();
    const Dockerfile = "FROM busybox\nRUN --mount=type=cache,target=/c echo 0123456789 > /c/f; mkdir -m 0 /c/shut\n";
    expect((await own.build(own.context({ Dockerfile }))).code).toBe(0);
    expect(await own.ok(["system", "df", "-v"])).toMatch(/exec\.cachemount +[\d.]+kB/);
    const caches = () => readdirSync(path.join(own.root, "caches")).length;
    await own.ok(["builder", "prune", "-af", "--filter", "type=regular"]);
    expect(caches()).toBe(1);
    expect(await own.ok(["builder", "prune", "-f", "--filter", "type=exec.cachemount"])).toMatch(/Deleted build cache objects:\n[0-9a-f]{32}\n/);
    expect(caches()).toBe(0);
    const { code, err } = await own.run(["builder", "prune", "-f", "--filter", "type=exec.cachmount"]);
    expect([code, err]).toEqual([1, expect.stringContaining("did you mean exec.cachemount?")]);
  });
});

describe.skipIf(BUSYBOX === undefined)("RUN --mount=type=tmpfs", () => {
  test("is empty, writable for all, of the size that is wanted, and gone afterwards", async () => {
    const Dockerfile = "FROM busybox\nRUN --mount=type=tmpfs,target=/t,size=64k grep -c ' /t tmpfs .*size=64k' /proc/mounts > /out; ls -dl /t | grep -c ^drwxrwxrwt >> /out; ls /t | wc -l >> /out; cat /bin/busybox > /t/big 2>/dev/null || echo full >> /out\n";
    expect(await out("tmpfs", { Dockerfile })).toBe("1\n1\n0\nfull\n");
  });
});

describe.skipIf(BUSYBOX === undefined)("RUN --mount=type=secret", () => {
  test("is a file that its owner alone reads, a variable, or both, and nowhere in the store", async () => {
    const secret = `hush-${process.pid}-${Date.now()}`;
    rig.env["LANG_SECRET"] = secret;
    const file = path.join(rig.directory, "secret-file");
    writeFileSync(file, secret);
    const Dockerfile = `FROM busybox
RUN --mount=type=secret,id=f --mount=type=secret,id=e,env=E --mount=type=secret,id=f,target=/both,mode=0444,uid=3,gid=4,env=B \\
  ls -ln /run/secrets/f | grep -o '^-r-------- ' > /out; [ "$E" = "$(cat /run/secrets/f)" ] && echo same >> /out; [ "$B" = "$E" ] && echo both >> /out; ls -ln /both | grep -c 'r--r--r--.* 3 * 4 ' >> /out; ls /run/secrets | wc -l >> /out
`;
    expect(await out("secret", { Dockerfile }, "--secret", `id=f,src=${file}`, "--secret", "id=e,env=LANG_SECRET")).toBe("-r-------- \nsame\nboth\n1\n1\n");
    const failing = await rig.build("--secret", `id=f,src=${file}`, "--secret", "type=env,id=LANG_SECRET", rig.context({ Dockerfile: "FROM busybox\nRUN --mount=type=secret,id=LANG_SECRET,env=V --mount=type=secret,id=f exit 3\n" }));
    expect([failing.code, failing.err]).toEqual([1, expect.stringContaining("exit code: 3")]);
    expect(failing.err).not.toContain(secret);
    expect(storeHolds(secret)).toBe(false);
  });

  test("does not make a step run again when it changes, and may be absent unless it is required", async () => {
    const build = async (value: string) => {
      rig.env["LANG_TOKEN"] = value;
      return await rig.build("--secret", "id=LANG_TOKEN", rig.context({ Dockerfile: "FROM busybox\nRUN --mount=type=secret,id=LANG_TOKEN,env=T --mount=type=secret,id=none [ ! -e /run/secrets/none ]\n" }));
    };
    expect((await build("one")).code).toBe(0);
    expect((await build("two")).err).toMatch(/id=none[^\n]*\n#\d+ CACHED/);
    const { code, err } = await rig.build(rig.context({ Dockerfile: "FROM busybox\nRUN --mount=type=secret,id=none,required cat /run/secrets/none\n" }));
    expect([code, err]).toEqual([1, expect.stringMatching(/Dockerfile:2[^]*secret none: not found[^]*--secret id=none,src=FILE/)]);
  });

  test.each([
    ["id", /each of its fields is key=value/],
    ["id=a,scr=b", /no field "scr"[^]*did you mean src\?/],
    ["src=b", /it needs an id/],
    ["id=a,type=vault", /type is file or env, not "vault"/],
    ["id=a,src=/nowhere/to/be/found", /cannot read the secret a from "\/nowhere\/to\/be\/found": there is no such file/],
  ])("--secret %s is refused", async (flag, message) => {
    const { code, err } = await rig.build("--secret", flag, rig.context({ Dockerfile: "FROM busybox\n" }));
    expect(code).toBeGreaterThan(0);
    expect(err).toMatch(message);
  });
});

/** The machine's ssh-add and the libraries that it needs, as files of a context. */
function sshAdd(): Record<string, ContextFile> {
  const program = findCommand("ssh-add", process.env)!;
  const libraries = [...execFileSync("ldd", [program]).toString().matchAll(/(\/\S+) \(0x/g)].map(([, file]) => file!);
  const text = (file: string): ContextFile => ({ text: readFileSync(file), mode: 0o755 });
  return Object.fromEntries([["bin/ssh-add", text(program)], ...libraries.map((file) => [file.slice(1), text(file)])]);
}

describe.skipIf(BUSYBOX === undefined || findCommand("ssh-agent", process.env) === undefined)("RUN --mount=type=ssh", () => {
  test("reaches an agent that runs, and an agent of the build's own that has a key", async () => {
    const key = path.join(rig.directory, "key");
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "test-key", "-f", key]);
    const socket = path.join(rig.directory, "agent");
    const temporary = path.join(rig.directory, "temporary");
    mkdirSync(temporary);
    vi.stubEnv("TMPDIR", temporary);
    const agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: ["ignore", "pipe", "inherit"] });
    try {
      await once(agent.stdout, "data"); // its socket is there before it listens, and is told of after that
      execFileSync("ssh-add", ["-q", key], { env: { ...process.env, SSH_AUTH_SOCK: socket }, stdio: "ignore" });
      const Dockerfile = "FROM busybox\nCOPY . /\nUSER web\nRUN --mount=type=ssh,uid=101,gid=102 ls -ln $SSH_AUTH_SOCK | grep -c '^srw-------.* 101 *102 ' > /tmp/out; ssh-add -l | grep -o test-key >> /tmp/out\n";
      for (const flag of [`default=${socket}`, `default=${key}`]) {
        const image = await rig.built("ssh", { Dockerfile, ...sshAdd() }, "--ssh", flag, "--no-cache");
        expect(image.text("tmp/out")).toBe("1\ntest-key\n");
        expect(image.layers.at(-1)!.map((entry) => entry.path)).toEqual(["tmp/", "tmp/out"]);
      }
      expect(readdirSync(temporary)).toEqual([]);
    } finally {
      vi.unstubAllEnvs();
      agent.kill();
    }
  });

  test("is refused without an agent only where it is required, and --ssh without one says what to do", async () => {
    const build = (options: string, ...args: readonly string[]) => rig.build(...args, rig.context({ Dockerfile: `FROM busybox\nRUN --mount=type=ssh${options} [ ! -e $SSH_AUTH_SOCK ]\n` }));
    expect((await build("")).code).toBe(0);
    expect((await build(",required=true")).err).toMatch(/unset ssh forward key default[^]*--ssh default/);
    delete rig.env["SSH_AUTH_SOCK"];
    expect((await build("", "--ssh", "default")).err).toMatch(/needs SSH_AUTH_SOCK/);
    expect((await build("", "--ssh", "default=/no/such/key")).err).toMatch(/there is no "\/no\/such\/key"/);
  });
});

describe.skipIf(BUSYBOX === undefined)("what breaks the wall around a step", () => {
  test.each([
    ["--network=host", "network.host"],
    ["--security=insecure", "security.insecure"],
  ])("RUN %s needs --allow %s", async (flag, entitlement) => {
    const directory = rig.context({ Dockerfile: `FROM busybox\nRUN ${flag} true\n` });
    const { code, err } = await rig.build(directory);
    expect([code, err]).toEqual([1, expect.stringMatching(new RegExp(`Dockerfile:2:5: RUN ${flag} is not allowed[^]*--allow ${entitlement}`))]);
    expect((await rig.build("--allow", entitlement, directory)).code).toBe(0);
  });

  test("an insecure step has every capability, and a filter of system calls only without", async () => {
    const Dockerfile = `FROM busybox\nRUN --security=insecure grep -E 'CapEff|Seccomp:' /proc/self/status > /a\nRUN --security=sandbox grep -E 'CapEff|Seccomp:' /proc/self/status > /b; cat /a /b > /out; rm /a /b\n`;
    const text = (await rig.built("insecure", { Dockerfile }, "--allow", "security.insecure")).text("out");
    expect(text).toMatch(/CapEff:\t0*[1-9a-f][0-9a-f]{9,}\nSeccomp:\t0\nCapEff:\t0*a[0-9a-f]{7}\nSeccomp:\t2\n/);
  });

  test("--allow of something else names the nearest", async () => {
    expect((await rig.build("--allow", "security.insecur", rig.context({ Dockerfile: "FROM busybox\n" }))).err).toContain("did you mean security.insecure?");
  });
});
