import { median, type Results } from "./figures.ts";
import { type Limits, limitsTable } from "./limits.ts";
import { ROWS } from "./rows.ts";
import { section } from "./table.ts";

/** Below what no build goes that does what the row says, in seconds, and of what that is made. */
interface Bound {
  readonly seconds: number;
  readonly of: string;
}

/** The workloads' sizes: files, and bytes in them. */
const MANY = { files: 50_000, bytes: 212e6 };
const MONOREPO = { files: 200_000, bytes: 82e6 };
const BIG = 1049e6;
const FAR = 126e6;
const [FAR_RATE, FAR_TRIP] = [20e6, 0.05];

interface Copied {
  readonly files: number;
  readonly bytes: number;
}

type Of = (limits: Limits) => Bound;

/** Hashing a file for its key and a tar for its name are two hashes over the same bytes; all of it on all cores. */
const copied = ({ files, bytes }: Copied): Of => ({ nodeStart, lstat, readFile, hash, write, cores }) => ({
  seconds: nodeStart + (files * (lstat + readFile) + bytes * (2 * hash + write)) / cores,
  of: "Node's start; an lstat, one reading, two hashes and one writing of each file, on all cores",
});
const walked = (files: number): Of => ({ nodeStart, lstat, cores }) => ({ seconds: nodeStart + (files * lstat) / cores, of: "Node's start, an lstat of each file, on all cores" });
const rehashed = ({ files, bytes }: Copied): Of => (limits) => ({
  seconds: walked(files)(limits).seconds + bytes * limits.hash,
  of: "Node's start, an lstat of each file on all cores, one hash over the layer (it cannot be divided)",
});
const andContainer = (of: Of): Of => (limits) => ({ seconds: of(limits).seconds + limits.container, of: `${of(limits).of}; a container` });
const start: Of = ({ nodeStart }) => ({ seconds: nodeStart, of: "Node's start" });
const steps = (count: number): Of => ({ nodeStart, container }) => ({ seconds: nodeStart + count * container, of: `Node's start, ${count} container${count === 1 ? "" : "s"}` });
const wire = (bytes: number, trips: number): Of => ({ deflated }) => ({ seconds: (bytes * deflated) / FAR_RATE + trips * FAR_TRIP, of: `the compressed bytes on the wire, ${trips} round trips` });

const BOUNDS: Readonly<Record<string, Of>> = {
  "hello cold": steps(1),
  "hello cached": start,
  "chain cold": steps(30),
  "chain cached": start,
  "parallel cold": ({ nodeStart, container, cores }) => ({ seconds: 2 + nodeStart + (6 * container) / cores, of: "the sleep, Node's start, 6 containers on all cores" }),
  "parallel cached": start,
  "many cold": andContainer(copied(MANY)),
  "many cached": walked(MANY.files),
  "many changed": andContainer(rehashed(MANY)),
  "big cold build": ({ hash, write, cores }) => ({ seconds: (BIG * (2 * hash + write)) / cores, of: "two hashes and one writing of all bytes, on all cores" }),
  "big cold push": ({ deflateText }) => ({ seconds: (BIG / 2) * deflateText, of: "deflate by libdeflate on all cores of what can get smaller" }),
  "big cached": start,
  "big cached push": start,
  "big changed build": ({ hash }) => ({ seconds: BIG * hash, of: "one hash over the layer (it cannot be divided)" }),
  "big changed push": ({ hash, deflated }) => ({ seconds: BIG * deflated * hash, of: "one hash over the compressed layer" }),
  pull: ({ hash, deflated }) => ({ seconds: BIG * deflated * hash, of: "one hash over the compressed layer" }),
  "pull run": ({ hash, inflate, write, container }) => ({ seconds: BIG * Math.max(inflate, hash) + BIG * write + container, of: "inflate (one after the other), one writing, a container" }),
  "npm cached": start,
  "apt cached": start,
  "monorepo cold": copied(MONOREPO),
  "monorepo cached": walked(MONOREPO.files),
  "monorepo changed": rehashed(MONOREPO),
  "layers cold": steps(120),
  "layers cached": start,
  "layers changed": steps(1),
  "slow cold": () => ({ seconds: 10, of: "2,000 requests at 200 a second" }),
  "second same": () => ({ seconds: 2, of: "the sleeps" }),
  "second other": () => ({ seconds: 2.3, of: "the sleeps" }),
  "far cold": wire(FAR, 4),
  "far again": wire(0, 3),
  "far changed": wire(FAR / 4, 4),
};

/** What the machine can do, and each row of Laminate against the bound that follows, as Markdown. */
export function boundsTables(results: Results, limits: Limits, scale: number): string {
  const own = ["laminate", "laminate (user)"].filter((name) => [...results.values()].some((row) => row.has(name)));
  const rows = ROWS.filter(({ id }) => results.has(id) && BOUNDS[id] !== undefined).map(({ id, title }) => {
    const { seconds, of } = BOUNDS[id]!(limits);
    const figures = own.map((name) => median((results.get(id)!.get(name) ?? []).map((one) => one.seconds)));
    return [title, of, seconds.toFixed(2), ...figures.map((figure) => (Number.isNaN(figure) ? "" : `${figure.toFixed(2)} (${(figure / seconds).toFixed(1)}×)`))];
  });
  return [
    section("What this machine can do", ["work", "time"], limitsTable(limits)),
    // The bounds are those of workloads of their full size.
    ...(scale === 1 ? [section("What bounds each case, seconds, and how far from it we are", ["case", "bound by", "bound", ...own], rows)] : []),
  ].join("\n");
}
