/** What a target is about: times the better peer's figure, or an absolute figure in seconds or MiB. */
export interface Target {
  readonly ratio?: number;
  readonly seconds?: number;
  readonly memory?: number;
}

export interface Row {
  readonly id: string;
  readonly title: string;
  readonly target: Target;
}

/** The table's rows in order; the targets are those this project set itself. */
export const ROWS: readonly Row[] = [
  { id: "hello cold", title: "hello (COPY + RUN), cold", target: { ratio: 0.5 } },
  { id: "hello cached", title: "hello, cached", target: { ratio: 0.3 } },
  { id: "chain cold", title: "chain of 30 RUN on Debian, cold", target: { ratio: 0.7 } },
  { id: "chain cached", title: "chain, cached", target: { ratio: 0.35 } },
  { id: "parallel cold", title: "six independent stages that sleep 2 s, cold", target: { seconds: 2.1 } },
  { id: "parallel cached", title: "six stages, cached", target: {} },
  { id: "many cold", title: "50,000 files (300 MB) copied, a RUN on them, cold", target: { ratio: 0.25, memory: 200 } },
  { id: "many cached", title: "50,000 files, cached", target: { ratio: 0.25, memory: 45 } },
  { id: "many changed", title: "50,000 files, one changed", target: { ratio: 0.1, memory: 200 } },
  { id: "big cold build", title: "1 GB in 200 files, build, cold", target: { memory: 200 } },
  { id: "big cold push", title: "1 GB, push, cold", target: { memory: 200 } },
  { id: "big cold", title: "1 GB, build + push, cold", target: { ratio: 0.5 } },
  { id: "big cached", title: "1 GB, build, cached", target: { ratio: 0.3 } },
  { id: "big cached push", title: "1 GB, push again", target: {} },
  { id: "big changed build", title: "1 GB, one file changed, build", target: {} },
  { id: "big changed push", title: "1 GB, one file changed, push", target: {} },
  { id: "big changed", title: "1 GB, one file changed, build + push", target: { ratio: 0.25 } },
  { id: "pull", title: "1 GB, pull", target: {} },
  { id: "pull run", title: "1 GB, pull, then a RUN on it", target: { ratio: 0.5 } },
  { id: "npm cold", title: "`npm ci` of 200 packages, sources, a build of them, cold", target: {} },
  { id: "npm cached", title: "`npm ci` app, cached", target: {} },
  { id: "npm changed", title: "`npm ci` app, one source file changed", target: {} },
  { id: "apt cold", title: "Debian packages installed (apt-get), cold", target: {} },
  { id: "apt cached", title: "Debian packages, cached", target: {} },
  { id: "monorepo cold", title: "200,000 small files copied, cold", target: {} },
  { id: "monorepo cached", title: "200,000 small files, cached", target: {} },
  { id: "monorepo changed", title: "200,000 small files, ten changed", target: {} },
  { id: "layers cold", title: "120 RUN on Debian, cold", target: {} },
  { id: "layers cached", title: "120 RUN, cached", target: {} },
  { id: "layers changed", title: "120 RUN, the last changed", target: {} },
  { id: "slow cold", title: "2,000 files on a disk of 200 requests/s, cold", target: {} },
  { id: "slow cached", title: "2,000 files on a slow disk, cached", target: {} },
  { id: "slow changed", title: "2,000 files on a slow disk, one changed", target: {} },
  { id: "second same", title: "a second build 0.3 s after the first (2 s of RUN), the same Dockerfile", target: {} },
  { id: "second other", title: "a second build 0.3 s after the first (2 s of RUN), another Dockerfile", target: {} },
  { id: "far cold", title: "120 MB in four layers pushed, 50 ms away, 20 MB/s", target: {} },
  { id: "far again", title: "120 MB, far registry, push again", target: {} },
  { id: "far changed", title: "120 MB, far registry, push after one file changed", target: {} },
];
