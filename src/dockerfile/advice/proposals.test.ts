import { describe, expect, test } from "vitest";
import type { Surveyed } from "./proposal.ts";
import { proposals } from "./proposals.ts";

/* What is thought worth trying, before anything is tried. */

interface Known {
  readonly files?: readonly string[];
  readonly changedArguments?: readonly string[];
  readonly cost?: number;
  readonly reads?: readonly string[];
}

function surveyed({ files = [], changedArguments = [], cost, reads }: Known): Surveyed {
  return {
    has: (name) => files.some((file) => file === name || file.startsWith(`${name}/`)),
    find: (pattern) => files.filter((file) => pattern.test(file)),
    changedArguments,
    cost: () => cost,
    reads: () => reads,
    destination: () => "/app/",
  };
}

/** What becomes of a Dockerfile by each proposal, by its kind. */
function changed(dockerfile: string, known: Known = {}): Record<string, string | undefined> {
  const texts = { dockerfile, ignore: undefined };
  return Object.fromEntries(proposals(texts, surveyed(known)).map(({ kind, apply }) => [kind, apply(texts)?.dockerfile]));
}

describe("a COPY before an install is parted", () => {
  test.each([
    ["pip, by the files that the command names", "FROM a\nCOPY . .\nRUN pip install -r requirements/prod.txt\n", ["requirements/prod.txt", "main.py"], "FROM a\nCOPY requirements/prod.txt ./\nRUN pip install -r requirements/prod.txt\nCOPY . .\n"],
    ["go, which builds of the sources: its modules are fetched before", "FROM a\nCOPY . /src\nWORKDIR /src\nRUN go build ./...\n", ["go.mod", "go.sum", "main.go"], "FROM a\nCOPY go.mod go.sum /src/\nWORKDIR /src\nRUN go mod download\nCOPY . /src\nRUN go build ./...\n"],
    ["a project below the context's top", "FROM a\nCOPY web/ /web/\nRUN yarn install --frozen-lockfile && yarn build\n", ["web/package.json", "web/yarn.lock", "web/src/a.js", "package.json"], "FROM a\nCOPY web/package.json web/yarn.lock /web/\nRUN yarn install --frozen-lockfile\nCOPY web/ /web/\nRUN yarn build\n"],
    ["packages of the system need no file", "FROM a\nCOPY . .\nRUN apt-get update && apt-get install -y make\nCMD x\n", ["a.c"], "FROM a\nRUN apt-get update && apt-get install -y make\nCOPY . .\nCMD x\n"],
    ["flags and comments stay, lines end as they did", "FROM a\r\n# all\r\nCOPY --chown=1:1 . .\r\nRUN bundle install\r\n", ["Gemfile", "Gemfile.lock", "x.rb"], "FROM a\r\nCOPY --chown=1:1 Gemfile Gemfile.lock ./\r\nRUN bundle install\r\n# all\r\nCOPY --chown=1:1 . .\r\n"],
  ])("%s", (_name, dockerfile, files, wanted) => {
    expect(changed(dockerfile, { files })["order"]).toBe(wanted);
  });

  test.each([
    ["where no manifest is", "FROM a\nCOPY . .\nRUN npm ci\n", { files: ["src/a.js"] }],
    ["where the manifests come alone already", "FROM a\nCOPY package.json ./\nRUN npm ci\nCOPY . .\n", { files: ["package.json", "a.js"] }],
    ["for a command that is not known", "FROM a\nCOPY . .\nRUN make\n", { files: ["Makefile", "a.c"] }],
    ["for one that changes the shell before it installs", "FROM a\nCOPY . .\nRUN cd web && npm ci\n", { files: ["package.json", "a.js"] }],
    ["for a here-document", "FROM a\nCOPY . .\nRUN <<E\nnpm ci\nE\n", { files: ["package.json", "a.js"] }],
    ["for what takes no time", "FROM a\nCOPY . .\nRUN npm ci\n", { files: ["package.json", "a.js"], cost: 0.1 }],
    ["for what reads everything", "FROM a\nCOPY . .\nRUN make\n", { files: ["Makefile", "a.c"], reads: ["Makefile", "a.c"] }],
  ])("but not %s", (_name, dockerfile, known) => {
    expect(changed(dockerfile, known)["order"]).toBeUndefined();
  });

  test("by what it read, files and whole directories", () => {
    const known = { files: ["Makefile", "lib/a.c", "lib/b.c", "README.md"], reads: ["Makefile", "lib/a.c"] };
    expect(changed("FROM a\nCOPY . /app\nRUN make\n", known)["order"]).toBe("FROM a\nCOPY Makefile /app/\nCOPY lib /app/lib\nRUN make\nCOPY . /app\n");
  });
});

describe("a cache mount", () => {
  const files = ["package.json", "package-lock.json"];
  test("keeps what a tool of root fetches, behind the flags that are there", () => {
    expect(changed("FROM a\nRUN --network=host npm ci\n", { files })["cache-mount"]).toBe("FROM a\nRUN --mount=type=cache,target=/root/.npm --network=host npm ci\n");
  });
  test.each(["FROM a\nUSER node\nRUN npm ci\n", "FROM a\nRUN --mount=type=cache,target=/c npm ci\n", "FROM a\nRUN npm ci && npm cache clean --force\n"])("is not proposed for %j", (dockerfile) => {
    expect(changed(dockerfile, { files })["cache-mount"]).toBeUndefined();
  });
});

test("an argument goes down to what first names it, in a here-document too, with the variables made of it", () => {
  const dockerfile = "FROM a\nARG V\nENV W=$V\nRUN one\nRUN <<E\necho $W\nE\n";
  expect(changed(dockerfile, { changedArguments: ["V"] })["argument"]).toBe("FROM a\nRUN one\nARG V\nENV W=$V\nRUN <<E\necho $W\nE\n");
  expect(changed(dockerfile)["argument"]).toBeUndefined();
});

test("a RUN that removes joins the one before, with its continuation lines; one that does more does not", () => {
  expect(changed("FROM a\nRUN get \\\n  more\nRUN rm -rf /var/cache && apt-get clean\n")["same-run"]).toBe("FROM a\nRUN get \\\n  more \\\n    && rm -rf /var/cache && apt-get clean\n");
  expect(changed("FROM a\nRUN get\nRUN rm -rf /x; make\n")["same-run"]).toBeUndefined();
});

test("only what is read is copied, unless a stage stands on that one or takes all of it", () => {
  const known = { files: ["main", "lib/a", "README.md"], reads: ["main", "lib/a"] };
  const stages = (last: string): string => `FROM a AS build\nCOPY . .\nRUN make\nFROM ${last}\n`;
  expect(changed(stages("b\nCOPY --from=build /app/out /out"), known)["narrow"]).toBe(stages("b\nCOPY --from=build /app/out /out").replace("COPY . .\n", "COPY main ./\nCOPY lib ./lib\n"));
  expect(changed(stages("build"), known)["narrow"]).toBeUndefined();
  expect(changed(stages("b\nCOPY --from=build /app /app"), known)["narrow"]).toBeUndefined();
});
