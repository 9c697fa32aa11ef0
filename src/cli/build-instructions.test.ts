import { readFileSync, utimesSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BUSYBOX, BuildRig, writeFiles } from "../testing/builds.ts";

const rig = new BuildRig();
beforeAll(() => (BUSYBOX === undefined ? undefined : rig.busybox()));
afterAll(() => rig[Symbol.asyncDispose]());

describe("instructions that say what a container gets", () => {
  test("all of them come into the image's config and history as docker writes them", async () => {
    const Dockerfile = `FROM scratch
MAINTAINER someone
ENV A=1 B="two words"
ENV C $A-c
LABEL kind=test note="$B"
EXPOSE 80 53/udp
VOLUME /data /more
WORKDIR /srv
WORKDIR app
USER web:staff
STOPSIGNAL SIGINT
SHELL ["/bin/ash", "-ec"]
HEALTHCHECK --interval=5s --timeout=3s --retries=2 --start-period=1m CMD wget -q localhost
ONBUILD RUN make
ENTRYPOINT ["/app", "serve"]
CMD serve --port 80
`;
    const { config, history } = await rig.built("settings", { Dockerfile });
    expect(config).toMatchObject({
      author: "someone",
      os: "linux",
      config: {
        Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "A=1", "B=two words", "C=1-c"],
        Labels: { kind: "test", note: "two words" },
        ExposedPorts: { "53/udp": {}, "80/tcp": {} },
        Volumes: { "/data": {}, "/more": {} },
        User: "web:staff",
        WorkingDir: "/srv/app",
        StopSignal: "SIGINT",
        Shell: ["/bin/ash", "-ec"],
        Healthcheck: { Test: ["CMD-SHELL", "wget -q localhost"], Interval: 5e9, Timeout: 3e9, StartPeriod: 60e9, Retries: 2 },
        OnBuild: ["RUN make"],
        Entrypoint: ["/app", "serve"],
        Cmd: ["/bin/ash", "-ec", "serve --port 80"],
      },
    });
    expect(history.slice(0, 4)).toEqual(["MAINTAINER someone", "ENV A=1 B=two words", "ENV C=1-c", "LABEL kind=test note=two words"]);
    expect(config.rootfs.diff_ids).toHaveLength(2); // the two WORKDIRs
    expect(config.history!.filter(({ empty_layer }) => empty_layer !== true)).toHaveLength(2);
  });

  test("WORKDIR stands in history and config as written where it is absolute, joined where it is not", async () => {
    const { config, history, layers } = await rig.built("workdirs", { Dockerfile: "FROM scratch\nWORKDIR /a//b/../c/\nWORKDIR rel//x/..\nWORKDIR /a//b/../c/\nCOPY <<E f\nE\n" });
    expect(history.slice(0, 3)).toEqual(["WORKDIR /a//b/../c/", "WORKDIR /a/c/rel", "WORKDIR /a//b/../c/"]);
    expect(config.config!.WorkingDir).toBe("/a//b/../c/");
    expect(layers.map((layer) => layer.map((entry) => entry.path))).toEqual([["a/", "a/c/"], ["a/", "a/c/", "a/c/rel/"], [], ["a/", "a/c/", "a/c/f"]]);
  });

  test("HEALTHCHECK NONE, empty CMD and ENTRYPOINT, and a later FROM of the image go on from what it says", async () => {
    await rig.built("parent", { Dockerfile: "FROM scratch\nENV A=1\nCMD [\"a\"]\nHEALTHCHECK CMD true\nLABEL x=1\n" });
    const { config } = await rig.built("child", { Dockerfile: "FROM parent\nENV A=2 B=$A\nHEALTHCHECK NONE\nENTRYPOINT [\"/e\"]\n" }, "--label", "x=2", "--label", "y=3");
    expect(config.config).toMatchObject({ Env: [expect.stringMatching(/^PATH=/), "A=2", "B=1"], Healthcheck: { Test: ["NONE"] }, Entrypoint: ["/e"], Labels: { x: "2", y: "3" } });
    expect(config.config!.Cmd ?? null).toBeNull(); // an ENTRYPOINT takes back the base's CMD
  });

  test("ONBUILD of a local base runs in the image that is FROM it, and not in the base", async () => {
    const base = await rig.built("triggers", { Dockerfile: "FROM scratch\nONBUILD COPY main /main\nONBUILD ENV TRIGGERED=yes\n" });
    expect(base.layers).toHaveLength(0);
    const child = await rig.built("triggered", { Dockerfile: "FROM triggers\nCOPY other /other\n", main: "m", other: "o" });
    expect(child.layers.map((layer) => layer.map((entry) => entry.path))).toEqual([["main"], ["other"]]);
    expect(child.config.config!.Env).toContain("TRIGGERED=yes");
    expect(child.config.config!.OnBuild ?? null).toBeNull();
  });
});

describe("names, arguments and outputs", () => {
  test("several -t name one image; --iidfile and -q give its ID", async () => {
    const out = await rig.ok(["build", "-q", "-t", "one", "-t", "localhost:5000/two:3", "--iidfile", "id", rig.context({ Dockerfile: "FROM scratch\nENV several=1\n" })]);
    expect(out).toMatch(/^sha256:[0-9a-f]{64}\n$/);
    expect(readFileSync(path.join(rig.directory, "id"), "utf8")).toBe(out.trim());
    expect(await rig.ok(["images", "-q", "--no-trunc", "one"])).toBe(out);
    expect(await rig.ok(["images", "-q", "--no-trunc", "localhost:5000/two"])).toBe(out);
  });

  test("a build argument reaches FROM, stages that declare it, and no others", async () => {
    const Dockerfile = "ARG base=nothing\nARG v=default\nFROM ${base} AS a\nARG v\nARG own=mine\nLABEL v=$v own=$own\nFROM a\nLABEL hidden=\"$v$own\" name=${unset:-fallback} cut=${v:+set}\n";
    const { config } = await rig.built("arguments", { Dockerfile }, "--build-arg", "base=scratch", "--build-arg", "v=2");
    expect(config.config!.Labels).toEqual({ v: "2", own: "mine", hidden: "2mine", name: "fallback", cut: "set" });
  });

  test("an argument that nothing takes is a warning, as with docker", async () => {
    const { code, err } = await rig.build("--build-arg", "nobody=1", rig.context({ Dockerfile: "FROM scratch\nENV a=1\n" }));
    expect(code).toBe(0);
    expect(err).toMatch(/^WARNING: .*build-args \[nobody\] were not consumed$/m);
  });

  test("--pull asks the registry for a base that is here, other builds do not", async () => {
    await rig.image("localhost:1/base");
    const directory = rig.context({ Dockerfile: "FROM localhost:1/base\n" });
    expect((await rig.build(directory)).code).toBe(0);
    expect(await rig.build("--pull", directory)).toMatchObject({ code: 1, err: expect.stringMatching(/Dockerfile:1:6: .*localhost:1/) as string });
  });

  test("a label of the command line goes before the Dockerfile's, and is not in the history", async () => {
    const { config, history } = await rig.built("labels", { Dockerfile: "FROM scratch\nLABEL a=1 b=1\n" }, "--label", "b=2", "--label", "c");
    expect(config.config!.Labels).toEqual({ a: "1", b: "2", c: "" });
    expect(history).toEqual(["LABEL a=1 b=1"]);
  });

  test("--target builds that stage, by name or number, and not what it does not need", async () => {
    const files = { Dockerfile: "FROM scratch AS first\nCOPY a /a\nFROM scratch AS second\nCOPY missing /m\n", a: "a" };
    const { layers } = await rig.built("target", files, "--target", "FIRST");
    expect(layers.flat().map((entry) => entry.path)).toEqual(["a"]);
    expect((await rig.built("target-number", files, "--target", "0")).layers).toHaveLength(1);
  });
});

describe.skipIf(BUSYBOX === undefined)("RUN", () => {
  test("in shell and exec form, with the environment, arguments, user and directory of its place", async () => {
    const Dockerfile = `FROM busybox
ARG given=default
ENV kept=env
WORKDIR /work
RUN echo "$given $kept $(pwd) $(id -u):$(id -g)" > shell
RUN ["sh", "-c", "echo exec $0 > exec", "$kept"]
RUN chown web:staff /work
USER web
RUN echo "$(id -u):$(id -g) $(id -G)" > user
USER 7:8
WORKDIR /tmp
RUN echo "$(id -u):$(id -g)" > ids
`;
    const image = await rig.built("runs", { Dockerfile }, "--build-arg", "given=told");
    const layers = image.layers.slice(1);
    expect(layers.map((layer) => layer.filter(({ mode }) => mode.startsWith("-")).map(({ path: name, owner }) => `${owner} ${name}`))).toEqual([
      [], ["0/0 work/shell"], ["0/0 work/exec"], [], ["101/102 work/user"], [], ["7/8 tmp/ids"],
    ]);
    expect(image.text("tmp/ids")).toBe("7:8\n");
    expect(image.history.slice(-9)).toContain('RUN |1 given=told /bin/sh -c echo "$given $kept $(pwd) $(id -u):$(id -g)" > shell # buildkit');
    expect(image.history).toContain("RUN |1 given=told sh -c echo exec $0 > exec $kept # buildkit");
  });

  test("that changes nothing may stand in any number of steps, between WORKDIRs that are there", async () => {
    const { layers, config } = await rig.built("idle", { Dockerfile: "FROM busybox\nRUN true 1\nRUN true 2\nWORKDIR /tmp\nRUN true 3\nWORKDIR /etc\nRUN ls passwd\n" });
    expect(layers.slice(1)).toEqual([[], [], [], [], [], []]);
    expect(config.history!.filter(({ empty_layer }) => empty_layer !== true)).toHaveLength(7);
  });

  test("of a script with #! for a shell finds its name in $0, as from a file", async () => {
    expect((await rig.built("script", { Dockerfile: "FROM busybox\nRUN <<EOT\n#!/bin/sh\necho $0 $# > /out\nEOT\n" })).text("out")).toBe("/dev/pipes/EOT 0\n");
  });

  test("sees the time of a copied directory at its destination, whose mode and owner stay", async () => {
    const directory = rig.context({ "src/a": "a", Dockerfile: "FROM busybox\nRUN mkdir -m 750 /old && chown 5:6 /old\nCOPY src /old\nCOPY src /new\nRUN /bin/busybox stat -c '%a %u:%g %Y' /old /new > /out\n" });
    utimesSync(path.join(directory, "src"), 1_000_000_000, 1_000_000_000);
    await rig.ok(["build", "--network=none", "-t", "times", directory]);
    expect((await rig.saved("times")).text("out")).toBe("750 5:6 1000000000\n755 0:0 1000000000\n");
  });

  test("sees what the steps above made, and writes only what it changed; deletions become whiteouts", async () => {
    const Dockerfile = "FROM busybox\nRUN echo one > /one; mkdir -p /d/e; echo x > /d/e/x\nRUN cat /one > /two; rm /one; rm -r /d\n";
    const { layers, text } = await rig.built("changes", { Dockerfile }).then((image) => ({ layers: image.layers, text: image.text("two") }));
    expect(text).toBe("one\n");
    expect(layers.at(-2)!.map((entry) => entry.path)).toEqual(["d/", "d/e/", "d/e/x", "one"]);
    expect(layers.at(-1)!.map((entry) => entry.path).sort()).toEqual([".wh.d", ".wh.one", "two"]);
  });

  test("here-documents are scripts of the shell, or of the interpreter they name, or files of the command", async () => {
    const Dockerfile = `FROM busybox
ARG v=1
RUN <<EOT
  echo shell $v >> /out
  false
  echo goes on >> /out
EOT
RUN <<-"EOT"
	#!/bin/ash -e
	echo ash $v >> /out
	EOT
RUN cat <<ONE - <<TWO >> /out
one
ONE
two $v
TWO
RUN sh <<'EOT'
echo "quoted \${v}" >> /out
EOT
USER web
RUN <<READ
#!/bin/cat
sees itself
READ
`;
    const said = (await rig.run(["build", "--progress=plain", "--network=none", "-t", "here", rig.context({ Dockerfile })])).err;
    expect(said).toMatch(/^#6 [\d.]+ #!\/bin\/cat\n#6 [\d.]+ sees itself$/m);
    expect((await rig.saved("here")).layers.at(-1)).toEqual([]);
    expect((await rig.built("here", { Dockerfile: Dockerfile.slice(0, Dockerfile.indexOf("USER web")) })).text("out")).toBe("shell 1\ngoes on\nash 1\ntwo 1\nquoted 1\n");
  });

  test("CMD, ENTRYPOINT and RUN with nothing after them are an empty command of the shell, as in Docker", async () => {
    const image = await rig.built("bare", { Dockerfile: "FROM busybox\nRUN\nENTRYPOINT\nCMD\n" });
    expect(image.config.config).toMatchObject({ Cmd: ["/bin/sh", "-c", ""], Entrypoint: ["/bin/sh", "-c", ""] });
    expect(image.history.slice(-3)).toEqual(["RUN /bin/sh -c  # buildkit", 'ENTRYPOINT ["/bin/sh" "-c" ""]', 'CMD ["/bin/sh" "-c" ""]']);
  });

  test("SHELL changes the shell from there on, and ONBUILD's RUN uses that of the child", async () => {
    await rig.built("shelled", { Dockerfile: 'FROM busybox\nRUN echo $0 > /a\nSHELL ["/bin/ash", "-c"]\nRUN echo $0 > /b\nONBUILD RUN echo $0 child > /c\n' });
    const image = await rig.built("shelled-child", { Dockerfile: "FROM shelled\nRUN cat /a /b /c > /all\n" });
    expect(image.text("all")).toBe("/bin/sh\n/bin/ash\n/bin/ash child\n");
  });

  test("its network is the command line's or its own", async () => {
    const Dockerfile = "FROM busybox\nRUN ls /sys/class/net > /a\nRUN --network=host ls /sys/class/net > /b\nRUN cat /a /b | wc -l > /n; cp /a /c\n";
    expect((await rig.built("networks", { Dockerfile }, "--allow", "network.host")).text("c")).toBe("lo\n");
  });

  test("knows the hosts that --add-host names", async () => {
    const Dockerfile = "FROM busybox\nRUN grep -E 'one|two' /etc/hosts > /found\n";
    const image = await rig.built("hosts", { Dockerfile }, "--add-host", "one:10.0.0.1", "--add-host=two=10.0.0.2");
    expect(image.text("found").split("\n").map((line) => line.split(/\s+/).join(" "))).toEqual(["10.0.0.1 one", "10.0.0.2 two", ""]);
    expect(await rig.run(["build", "--add-host", "nonsense", "."])).toMatchObject({ code: 125, err: expect.stringContaining("add-host") as string });
  });

  test("what it prints is shown whole, in order, as lines of its step", async () => {
    const { err } = await rig.build("--no-cache", rig.context({ Dockerfile: "FROM busybox\nRUN i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done; echo -n no newline\n" }));
    const lines = [...err.matchAll(/^#\d+ \d+\.\d{3} (line \d+|no newline)$/gm)].map(([, line]) => line);
    expect(lines).toEqual([...Array.from({ length: 2000 }, (_, n) => `line ${n}`), "no newline"]);
  });
});

describe.skipIf(BUSYBOX === undefined)("stages", () => {
  const Dockerfile = `FROM busybox AS build
COPY main.c /src/
RUN cat /src/main.c > /src/main; chmod 755 /src/main
FROM build AS test
RUN false
FROM busybox
COPY --from=build /src/main /usr/bin/
COPY --from=0 --chown=web /src /src
COPY --from=tools /tool /tool
CMD ["main"]
`;

  test("copy from each other and from images; a stage that nothing needs is not run", async () => {
    await rig.built("tools", { Dockerfile: "FROM scratch\nCOPY tool /\n", tool: { text: "t", mode: 0o755 } });
    const directory = rig.context({ Dockerfile, "main.c": "int main;" });
    const { code, err } = await rig.build("-t", "staged", directory);
    expect({ code, err }).toMatchObject({ code: 0, err: expect.not.stringContaining("RUN false") as string });
    const { layers } = await rig.saved("staged");
    expect(layers.slice(1).map((layer) => layer.map(({ mode, owner, path: name }) => `${mode} ${owner} ${name}`))).toEqual([
      ["drwxr-xr-x 0/0 usr/", "drwxr-xr-x 0/0 usr/bin/", "-rwxr-xr-x 0/0 usr/bin/main"],
      ["drwxr-xr-x 101/102 src/", "-rwxr-xr-x 101/102 src/main", "-rw-r--r-- 101/102 src/main.c"],
      ["-rwxr-xr-x 0/0 tool"],
    ]);
    writeFiles(directory, { "main.c": "int main2;" });
    expect((await rig.build("--target=test", directory)).code).toBe(1);
  });
});
