import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { findPeers, type Peers } from "../src/testing/peers.ts";
import { type Exchange, registryProxy } from "../src/testing/registry-proxy.ts";
import { startRegistry } from "../src/testing/registry.ts";
import { LAMINATE } from "./builders.ts";
import { median } from "./figures.ts";

/*
 * `node bench/second-machine.ts [--runs N] [--peer-root DIR]`: what a cache in a registry spares a machine that has
 * nothing, beside docker with its containerd store, which alone can write such caches: a daemon of its own, started and
 * forgotten here. Prints time, bytes and layers fetched as a table. The project: a stage on a base of 60 MB with 40 MB
 * of packages installed before its sources are copied, and an image on a small base that takes what the stage made.
 */

interface Machine extends AsyncDisposable {
  build(context: string, ...flags: readonly string[]): Promise<void>;
}

interface Maker {
  readonly name: string;
  /** As the builder sees it. */
  readonly inside: (directory: string) => string;
  /** One that has nothing. */
  machine(): Promise<Machine>;
}

interface Seen {
  readonly seconds: number;
  readonly bytes: number;
  readonly blobs: number;
}

const { values } = parseArgs({ options: { runs: { type: "string", default: "3" }, "peer-root": { type: "string" } } });
const found = findPeers(values["peer-root"], process.env);
const directory = mkdtempSync(path.join(found?.work ?? tmpdir(), "second-machine-"));
try {
  await using registry = await startRegistry();
  await using wire = await registryProxy(registry.port);
  const host = `127.0.0.1:${wire.port}`;
  await pushBases(host);
  const makers = [laminate(), ...(found === undefined ? [] : [docker(found)])];
  const rows = new Map<string, Map<string, Seen[]>>();
  for (let run = 0; run < Number(values.runs); run += 1) {
    for (const maker of makers) await measureAll(maker, `${host}/app-${run}-${maker.name.replace(/\W.*/, "")}`, wire.log, (row, seen) => {
      const ofRow = rows.get(row) ?? new Map<string, Seen[]>();
      rows.set(row, ofRow.set(maker.name, [...(ofRow.get(maker.name) ?? []), seen]));
    });
  }
  console.log(table(rows, makers.map(({ name }) => name)));
} finally {
  rmSync(directory, { recursive: true, force: true });
}

/** One machine fills the cache, then others that have nothing build the project, as it was and with one source file changed. */
async function measureAll(maker: Maker, repository: string, log: readonly Exchange[], record: (row: string, seen: Seen) => void): Promise<void> {
  const context = path.join(directory, "project");
  writeProject(context, repository.slice(0, repository.indexOf("/")), "one");
  const cache = `${repository}/cache:1`;
  {
    await using first = await maker.machine();
    await first.build(maker.inside(context), "-t", `${repository}/app:1`, "--push", "--cache-to", `type=registry,ref=${cache},mode=max`);
  }
  const from = ["--cache-from", `type=registry,ref=${cache}`];
  const rows: Readonly<Record<string, { readonly source: string; readonly flags: readonly string[] }>> = {
    "nothing changed, all steps asked for": { source: "one", flags: ["-o", "type=cacheonly", ...from] },
    "nothing changed, the image": { source: "one", flags: ["-t", "app", ...from] },
    "one source file changed, the image": { source: "two", flags: ["-t", "app", ...from] },
    "without the cache": { source: "one", flags: ["-t", "app"] },
  };
  for (const [row, { source, flags }] of Object.entries(rows)) {
    writeProject(context, repository.slice(0, repository.indexOf("/")), source);
    await using machine = await maker.machine();
    const before = log.length;
    const start = performance.now();
    await machine.build(maker.inside(context), ...flags);
    const blobs = log.slice(before).filter(({ method, path: asked, status }) => method === "GET" && asked.includes("/blobs/") && status < 300);
    record(row, { seconds: (performance.now() - start) / 1000, bytes: blobs.reduce((sum, { answered }) => sum + answered, 0), blobs: blobs.length });
  }
}

function laminate(): Maker {
  let count = 0;
  return {
    name: "laminate",
    inside: (place) => place,
    async machine() {
      const root = path.join(directory, `store-${(count += 1)}`);
      mkdirSync(root);
      return {
        build: (context, ...flags) => run([LAMINATE, "--root", root, "build", "-q", "--network=host", ...flags, context]),
        [Symbol.asyncDispose]: async () => rmSync(root, { recursive: true, force: true }),
      };
    },
  };
}

/** Its daemon is begun anew on an empty directory for each machine. */
function docker({ root, prefix, inside }: Peers): Maker {
  const place = path.join(directory, "docker");
  return {
    name: "docker (containerd store)",
    inside,
    async machine() {
      mkdirSync(path.join(place, "data"), { recursive: true });
      writeFileSync(path.join(place, "daemon.json"), JSON.stringify({ features: { "containerd-snapshotter": true } }));
      const [at, socket] = [inside(place), `unix://${inside(place)}/socket`];
      const daemon = spawn(prefix[0]!, [...prefix.slice(1), "dockerd", "--config-file", `${at}/daemon.json`, "--host", socket, "--pidfile", `${at}/pid`, "--data-root", `${at}/data`, "--exec-root", `${at}/exec`, "--iptables=false", "--ip6tables=false", "--bridge=none"], { stdio: "ignore" });
      const ended = new Promise((resolve) => daemon.once("exit", resolve));
      const client = [...prefix, "env", `DOCKER_HOST=${socket}`, "docker"];
      for (let turn = 0; spawnSync(client[0]!, [...client.slice(1), "version"]).status !== 0; turn += 1) {
        if (turn > 100) throw new Error("start dockerd with the containerd store: it does not answer");
        await sleep(100);
      }
      return {
        build: (context, ...flags) => run([...client, "buildx", "build", "-q", "--provenance=false", "--network=host", ...flags, context]),
        async [Symbol.asyncDispose]() {
          daemon.kill("SIGTERM");
          await ended;
          spawnSync("sh", ["-c", `for one in $(findmnt -rno TARGET | grep -F "${path.join(root, at)}" | sort -r); do umount -l "$one"; done`]);
          rmSync(place, { recursive: true, force: true });
        },
      };
    },
  };
}

async function pushBases(host: string): Promise<void> {
  const root = path.join(directory, "bases");
  mkdirSync(root);
  const command = [LAMINATE, "--root", root];
  await run([...command, "base", "busybox"]);
  for (const [name, size] of [["tools", 60], ["slim", 2]] as const) {
    const context = path.join(directory, name);
    write(context, { Dockerfile: "FROM busybox\nCOPY content /usr/lib/content\n", content: noise(name, size << 20) });
    await run([...command, "build", "-q", "-t", `${host}/base/${name}:1`, "--push", context]);
  }
  rmSync(root, { recursive: true, force: true });
}

function writeProject(context: string, host: string, source: string): void {
  const lines = [`FROM ${host}/base/tools:1 AS build`, "WORKDIR /app", "COPY packages /packages", "RUN cp -r /packages /app/node_modules", "COPY src ./src", "RUN mkdir out && cat src/* | sha256sum > out/app && head -c 1000000 node_modules/0 >> out/app"];
  write(context, { Dockerfile: [...lines, `FROM ${host}/base/slim:1`, "COPY --from=build /app/out /app", "RUN sha256sum /app/app > /app/sum", ""].join("\n"), "src/part": source, "src/other": "other" });
  for (let index = 0; index < 40; index += 1) if (!existsSync(path.join(context, `packages/${index}`))) write(context, { [`packages/${index}`]: noise(`package ${index}`, 1 << 20) });
}

function write(context: string, files: Readonly<Record<string, string | Buffer>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(context, name)), { recursive: true });
    writeFileSync(path.join(context, name), content);
  }
}

/** Bytes that no compression makes fewer, the same each time. */
function noise(seed: string, size: number): Buffer {
  return createHash("shake256", { outputLength: size }).update(seed).digest();
}

async function run([command, ...args]: readonly string[]): Promise<void> {
  const child = spawn(command!, args, { stdio: ["ignore", "pipe", "pipe"] });
  const said: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => said.push(chunk));
  const code = await new Promise((resolve) => child.once("close", resolve));
  if (code !== 0) throw new Error(`run ${command} ${args.join(" ")}: it ended with ${String(code)}: ${Buffer.concat(said).toString()}`);
}

function table(rows: ReadonlyMap<string, ReadonlyMap<string, readonly Seen[]>>, names: readonly string[]): string {
  const cell = (seen: readonly Seen[]): string => `${median(seen.map(({ seconds }) => seconds)).toFixed(2)} s, ${(median(seen.map(({ bytes }) => bytes)) / 1e6).toFixed(1)} MB in ${median(seen.map(({ blobs }) => blobs))} blobs`;
  const lines = [...rows].map(([row, of]) => `| ${row} | ${names.map((name) => cell(of.get(name)!)).join(" | ")} |`);
  return [`| a machine that has nothing | ${names.join(" | ")} |`, `|---|${names.map(() => "---|").join("")}`, ...lines, "", `The median of ${values.runs}, load average ${readFileSync("/proc/loadavg", "utf8").split(" ")[0]} at the end.`].join("\n");
}
