import { describe, expect, test } from "vitest";
import type { CopyOperation, RunOperation } from "../../graph/operation.ts";
import { build, image, type Options } from "../../testing/lowering.ts";
import type { Lowered } from "./result.ts";

const names = (lowered: Lowered): string[] =>
  lowered.graph.vertices.map((vertex) => `${vertex.name} <- ${vertex.inputs.join(",")}`);
const history = (lowered: Lowered): string[] => lowered.steps.map((step) => step.created_by);

async function runs(dockerfile: string, options?: Options): Promise<RunOperation[]> {
  const { graph } = await build(dockerfile, options);
  return graph.vertices
    .map((vertex) => vertex.operation)
    .filter((operation) => operation.kind === "run");
}

async function copies(dockerfile: string, options?: Options): Promise<CopyOperation[]> {
  const { graph } = await build(dockerfile, options);
  return graph.vertices
    .map((vertex) => vertex.operation)
    .filter((operation) => operation.kind === "copy");
}

describe("the graph", () => {
  test("holds only what the target needs, inputs first, under Docker's names", async () => {
    const lowered = await build(
      `FROM node:22 AS deps
RUN npm ci
FROM debian AS unused
RUN never
FROM deps AS build
WORKDIR app
COPY . .
RUN npm run build
FROM debian:bookworm
COPY --from=build /srv/app/dist /www
COPY --from=0 /x /y
COPY --from=nginx:1 /etc/nginx /n
`,
    );
    expect(names(lowered)).toEqual([
      "[stage-3 1/4] FROM docker.io/library/debian:bookworm <- ",
      "[deps 1/2] FROM docker.io/library/node:22 <- ",
      "[deps 2/2] RUN npm ci <- 1",
      "[build 1/3] WORKDIR app <- 2",
      "[internal] load build context <- ",
      "[build 2/3] COPY . . <- 3,4",
      "[build 3/3] RUN npm run build <- 5",
      "[stage-3 2/4] COPY --from=build /srv/app/dist /www <- 0,6",
      "[stage-3 3/4] COPY --from=0 /x /y <- 7,2",
      "FROM docker.io/library/nginx:1 <- ",
      "[stage-3 4/4] COPY --from=nginx:1 /etc/nginx /n <- 8,9",
    ]);
    expect(lowered.graph.target).toBe(10);
    expect(lowered.graph.vertices[6]).toMatchObject({
      stage: "build",
      origin: { file: "Dockerfile", line: 8, endLine: 8 },
    });
  });

  test("of one stage has no stage names, and numbers of one width", async () => {
    const lowered = await build(`FROM debian AS x\n${"RUN a\n".repeat(9)}`);
    expect(lowered.graph.vertices.slice(0, 2).map((vertex) => vertex.name)).toEqual([
      "[ 1/10] FROM docker.io/library/debian:latest",
      "[ 2/10] RUN a",
    ]);
  });

  test("stops at the target, by name or number, and shares one image between stages", async () => {
    const text =
      "FROM debian AS one\nRUN a\nFROM debian AS Two\nRUN b\nCOPY --from=one / /\nFROM two\nRUN c";
    for (const target of ["two", "TWO", "1"]) {
      const lowered = await build(text, { target });
      expect(names(lowered).map((name) => name.replace(/^\[\S+ /, "["))).toEqual([
        "[1/3] FROM docker.io/library/debian:latest <- ",
        "[2/3] RUN b <- 0",
        "[2/2] RUN a <- 0",
        "[3/3] COPY --from=one / / <- 1,2",
      ]);
    }
  });

  test("of scratch starts from the empty tree", async () => {
    const lowered = await build("FROM scratch\nCOPY a /");
    expect(names(lowered)).toEqual([
      "[internal] FROM scratch <- ",
      "[internal] load build context <- ",
      "[1/1] COPY a / <- 0,1",
    ]);
    expect(lowered.config.Env).toEqual([
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ]);
  });

  test("of a base with ONBUILD runs its triggers first, and they do not go on", async () => {
    const lowered = await build("FROM debian AS tools\nFROM triggers\nRUN own", {
      buildArgs: { v: "2" },
    });
    expect(names(lowered)).toEqual([
      "[stage-1 1/5] FROM docker.io/library/triggers:latest <- ",
      "[stage-1 2/5] ONBUILD RUN echo 2 <- 0",
      "[tools 1/1] FROM docker.io/library/debian:latest <- ",
      "[stage-1 3/5] ONBUILD COPY --from=tools /t /u <- 1,2",
      "[internal] load build context <- ",
      "[stage-1 4/5] ONBUILD COPY . /app <- 3,4",
      "[stage-1 5/5] RUN own <- 5",
    ]);
    expect(lowered.config.OnBuild).toBeUndefined();
    expect(lowered.graph.vertices[1]!.origin).toEqual({ file: "Dockerfile", line: 2, endLine: 2 });
    expect(lowered.warnings).toEqual([]);
  });

  test("of a stage with ONBUILD runs its triggers in the stages FROM it, once", async () => {
    const lowered = await build("FROM debian AS a\nONBUILD RUN t\nFROM a AS b\nRUN own\nFROM b");
    expect(names(lowered).slice(1)).toEqual(["[b 1/2] ONBUILD RUN t <- 0", "[b 2/2] RUN own <- 1"]);
    expect(lowered.config.OnBuild).toBeUndefined();
  });

  test("names a lone stage when an image stands beside it", async () => {
    const lowered = await build("FROM debian\nCOPY --from=nginx /a /b");
    expect(lowered.graph.vertices[0]!.name).toBe(
      "[stage-0 1/2] FROM docker.io/library/debian:latest",
    );
  });
});

test("history is written as BuildKit writes it", async () => {
  const lowered = await build(`FROM debian
ARG X=y E
ENV A=b C="d e"
WORKDIR /app
COPY --chown=1:2 --chmod=644 a b /c/
ADD http://h/x.tgz .
RUN npm ci
RUN ["npm", "ci"]
EXPOSE 8080 53/udp 90-91
VOLUME /data
LABEL k=v
USER me
STOPSIGNAL SIGINT
SHELL ["/bin/bash", "-c"]
HEALTHCHECK --interval=90s --retries=3 CMD curl x
CMD ["node", "x"]
ENTRYPOINT run it
MAINTAINER Me <me@x>
COPY <<a /a
1
a
`);
  const declared = "|2 X=y E=";
  expect(history(lowered)).toEqual([
    "ARG X=y E",
    "ENV A=b C=d e",
    "WORKDIR /app",
    "COPY --chown=1:2 --chmod=644 a b /c/ # buildkit",
    "ADD http://h/x.tgz . # buildkit",
    `RUN ${declared} /bin/sh -c npm ci # buildkit`,
    `RUN ${declared} npm ci # buildkit`,
    "EXPOSE [53/udp 8080/tcp 90/tcp 91/tcp]",
    "VOLUME [/data]",
    "LABEL k=v",
    "USER me",
    "STOPSIGNAL SIGINT",
    "SHELL [/bin/bash -c]",
    `HEALTHCHECK &{["CMD-SHELL" "curl x"] "1m30s" "0s" "0s" "0s" '\\x03'}`,
    'CMD ["node" "x"]',
    'ENTRYPOINT ["/bin/bash" "-c" "run it"]',
    "MAINTAINER Me <me@x>",
    "COPY <<a /a # buildkit",
  ]);
  expect(new Set(lowered.steps.map((step) => step.comment))).toEqual(
    new Set(["buildkit.dockerfile.v0"]),
  );
  expect(lowered.steps.map((step) => step.vertex !== undefined)).toEqual(
    history(lowered).map((line) => /^(?:WORKDIR|COPY|ADD|RUN)/.test(line)),
  );
  expect(lowered.baseHistory).toEqual([{ created_by: "base" }]);
  expect(lowered.author).toBe("Me <me@x>");
});

test("the config is the base's with the stages' instructions applied", async () => {
  const text = `FROM node AS a
ENV NODE=23 NEW=$NODE
ONBUILD RUN x
FROM a
WORKDIR sub
WORKDIR ../other
EXPOSE 80
ENTRYPOINT ["e"]
LABEL a=1 b=2`;
  const { config } = await build(text, { labels: { b: "3" } });
  expect(config).toEqual({
    Env: ["PATH=/usr/bin", "NODE=23", "NEW=22"],
    Entrypoint: ["e"],
    WorkingDir: "/srv/other",
    User: "node",
    ExposedPorts: { "80/tcp": {} },
    Labels: { a: "1", b: "3" },
  });
  expect((await build("FROM node\nONBUILD RUN x <<E\na\nE\n")).config.OnBuild).toEqual([
    "RUN x <<E\na\nE",
  ]);
  const emptied = (await build('FROM node\nCMD ["c"]\nENTRYPOINT []')).config;
  expect([emptied.Cmd, "Entrypoint" in emptied]).toEqual([["c"], false]);
  expect((await build("FROM node")).config.Cmd).toEqual(["node"]);
});

describe("a RUN", () => {
  test("has the image's environment apart from the arguments in scope", async () => {
    const text =
      "ARG G=global\nFROM debian\nARG G\nARG A=$LANG\nARG NO\nRUN 1\nENV A=env LANG=de\nRUN 2\nARG LANG=arg\nRUN 3";
    const [first, second, third] = await runs(text, { buildArgs: { G: "given" } });
    expect(first).toMatchObject({
      argv: ["/bin/sh", "-c", "1"],
      env: ["PATH=/bin", "LANG=C"],
      args: ["G=given", "A=C"],
      workdir: "/",
      user: "0",
      network: "default",
    });
    expect(second).toMatchObject({ env: ["PATH=/bin", "LANG=de", "A=env"], args: ["G=given"] });
    expect(third).toMatchObject({ env: ["PATH=/bin", "A=env"], args: ["LANG=arg", "G=given"] });
  });

  test("has user, working directory, network and proxies, which no history names", async () => {
    const text = "FROM node\nARG X\nRUN a\nRUN --network=none b";
    const options = { buildArgs: { http_proxy: "p" }, network: "host" as const };
    const [first, second] = await runs(text, options);
    expect(first).toMatchObject({
      workdir: "/srv",
      user: "node",
      network: "host",
      args: [],
      proxies: ["HTTP_PROXY=p", "http_proxy=p"],
    });
    expect(second!.network).toBe("none");
    const lowered = await build(text, options);
    expect(history(lowered)).toContain("RUN |1 X= /bin/sh -c a # buildkit");
    expect(lowered.warnings).toEqual([]);
  });

  test.each<[instruction: string, expected: Partial<RunOperation>]>([
    ["RUN <<EOF\na\nb\nEOF", { argv: ["/bin/sh", "-c", "a\nb\n"] }],
    ["RUN <<-EOF\n\ta\n\tEOF", { argv: ["/bin/sh", "-c", "a\n"] }],
    [
      "RUN <<EOF\n#!/usr/bin/env python3\na\nEOF",
      {
        argv: ["/bin/sh", "-c", "/dev/pipes/EOF"],
        script: { path: "/dev/pipes/EOF", text: "#!/usr/bin/env python3\na\n" },
      },
    ],
    ["RUN", { argv: ["/bin/sh", "-c", ""] }],
    [
      "RUN python3 <<EOF && x\nprint(1)\nEOF",
      { argv: ["/bin/sh", "-c", "python3 <<EOF && x\nprint(1)\nEOF"] },
    ],
    ["RUN cat <<A <<'B'\n1\nA\n2\nB", { argv: ["/bin/sh", "-c", "cat <<A <<'B'\n1\nA\n2\nB"] }],
    ['SHELL ["bash", "-ec"]\nRUN a  "b"', { argv: ["bash", "-ec", 'a  "b"'] }],
    ['RUN ["a", "$LANG"]', { argv: ["a", "$LANG"] }],
  ])("%j", async (instruction, expected) => {
    expect((await runs(`FROM debian\n${instruction}`))[0]).toMatchObject(expected);
  });

  test("shows variables that are set and the first line of its here-document", async () => {
    const { graph } = await build(
      "FROM debian\nARG v=1\nrun echo $v \"$v\" '$v' $unset \\; ${v:-2}\nRUN <<E\nfirst\nsecond\nE\n",
    );
    expect(graph.vertices.slice(1).map((vertex) => vertex.name)).toEqual([
      "[2/3] RUN echo 1 \"1\" '$v' $unset \\; 1",
      "[3/3] RUN <<E (first...)",
    ]);
  });
});

test("a base without a search path gets Docker's, an ARG of the base stage gives way to its ENV", async () => {
  const { graph, config } = await build(
    "FROM bad AS a\nENV X=env\nARG X=arg Y=arg\nFROM a\nRUN x",
    {
      resolveBase: async () => image({ WorkingDir: "app" }),
    },
  );
  const PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  expect(graph.vertices[1]!.operation).toMatchObject({
    env: [PATH, "X=env"],
    args: ["Y=arg"],
    workdir: "/app",
  });
  expect(config).toEqual({ WorkingDir: "/app", Env: [PATH, "X=env"] });
});

describe("a COPY", () => {
  test.each<[instruction: string, expected: Partial<CopyOperation>]>([
    [
      "COPY a b /c/",
      {
        instruction: "COPY",
        sources: ["a", "b"],
        destination: "/c/",
        unpack: false,
        inline: [],
        urls: [],
      },
    ],
    ["COPY . .", { sources: ["."], destination: "/srv/" }],
    ["COPY a b/", { destination: "/srv/b/" }],
    ["COPY a ../b", { destination: "/b" }],
    ["COPY a /x/.", { destination: "/x/" }],
    ["COPY a /", { destination: "/" }],
    ["ENV D=/d S='s p'\nCOPY $S ${D}e", { sources: ["s p"], destination: "/de" }],
    [
      "ARG U=7\nCOPY --chown=$U:www --chmod=0755 a b",
      { owner: { user: "7", group: "www" }, mode: 0o755 },
    ],
    ["COPY --chown=me a b", { owner: { user: "me" } }],
    ["ADD a.tar /", { instruction: "ADD", unpack: true }],
    ["ADD https://h/x git@h:r.git l /d/", { urls: ["https://h/x", "git@h:r.git"], sources: ["l"] }],
    [
      "ENV A=1\nCOPY <<x <<'y' /d/\n$A \"q\" \\$A\nx\n$A\ny",
      {
        sources: [],
        inline: [
          { name: "x", content: '1 "q" $A\n' },
          { name: "y", content: "$A\n" },
        ],
      },
    ],
  ])("%s", async (instruction, expected) => {
    expect((await copies(`FROM node\n${instruction}`))[0]).toMatchObject(expected);
  });

  test("needs a context only for files", async () => {
    expect(names(await build("FROM debian\nADD https://h/x /y\nCOPY <<E /z\nE\n"))).toHaveLength(3);
  });
});

test("WORKDIR makes a directory of the stage's user, except the root", async () => {
  const { graph } = await build("FROM node\nWORKDIR /a\nUSER 1:2\nWORKDIR b\nWORKDIR /");
  expect(graph.vertices.slice(1).map((vertex) => vertex.operation)).toEqual([
    { kind: "mkdir", path: "/a", owner: { user: "node" } },
    { kind: "mkdir", path: "/a/b", owner: { user: "1", group: "2" } },
  ]);
});

test("platform arguments are global, and FROM --platform chooses the base's", async () => {
  const text =
    "ARG B=debian\nFROM --platform=$BUILDPLATFORM $B AS x\nARG TARGETARCH TARGETPLATFORM\nRUN a";
  const lowered = await build(text, {
    platform: { os: "linux", architecture: "arm", variant: "v7" },
    buildPlatform: { os: "linux", architecture: "amd64" },
  });
  expect(lowered.platform).toEqual({ os: "linux", architecture: "amd64" });
  expect(lowered.graph.vertices[1]!.operation).toMatchObject({
    args: ["TARGETARCH=arm", "TARGETPLATFORM=linux/arm/v7"],
  });
  expect(
    (await build(`${text}\n`, { buildArgs: { B: "node:1" } })).graph.vertices[0]!.operation,
  ).toMatchObject({ reference: "node:1" });
});

test("a build argument that nothing declares is warned about in BuildKit's words", async () => {
  const { warnings } = await build("ARG a\nFROM debian\nARG b\nFROM debian", {
    buildArgs: { z: "", a: "", b: "", y: "", HTTP_PROXY: "", TARGETARCH: "x" },
  });
  expect(warnings).toEqual([
    {
      rule: "UnusedBuildArg",
      message: "[Warning] One or more build-args [y z] were not consumed",
      file: "Dockerfile",
      line: 1,
    },
  ]);
});
