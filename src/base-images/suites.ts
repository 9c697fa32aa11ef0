import { nearest } from "../base/nearest.ts";
import { BaseImageFailure } from "./base-error.ts";

export type Distribution = "debian" | "ubuntu";

/** What `laminate base NAME` asks for. */
export type BaseRequest =
  | { readonly kind: "suite"; readonly distribution: Distribution; readonly suite: string; readonly slim: boolean }
  | { readonly kind: "busybox" };

const SUITES: Readonly<Record<Distribution, readonly string[]>> = {
  debian: ["buster", "bullseye", "bookworm", "trixie", "forky", "sid", "oldoldstable", "oldstable", "stable", "testing", "unstable"],
  ubuntu: ["bionic", "focal", "jammy", "noble", "oracular", "plucky", "questing", "resolute", "devel"],
};
/** Release numbers, as Docker Hub's tags have them. */
const NUMBERS: Readonly<Record<Distribution, Readonly<Record<string, string>>>> = {
  debian: { "10": "buster", "11": "bullseye", "12": "bookworm", "13": "trixie", latest: "stable" },
  ubuntu: { "18.04": "bionic", "20.04": "focal", "22.04": "jammy", "24.04": "noble", "24.10": "oracular", "25.04": "plucky", "25.10": "questing", latest: "noble" },
};

/** Reads `debian:bookworm`, `debian:12-slim`, `ubuntu:24.04` or `busybox`; offers the nearest name when there is none. */
export function parseBaseName(name: string): BaseRequest {
  const colon = name.indexOf(":");
  const family = colon < 0 ? name : name.slice(0, colon);
  const tag = colon < 0 ? "latest" : name.slice(colon + 1);
  if (family === "busybox") {
    return { kind: "busybox" };
  }
  if (family !== "debian" && family !== "ubuntu") {
    throw new BaseImageFailure("unknown-distribution", `make base image "${name}": no such distribution${offer(family, ["debian", "ubuntu", "busybox"])}`, {
      hint: "known are debian:SUITE, ubuntu:SUITE and busybox; `laminate import` and `laminate load` bring in others",
    });
  }
  const slim = tag.endsWith("-slim");
  const wanted = slim ? tag.slice(0, -"-slim".length) : tag;
  const suite = NUMBERS[family][wanted] ?? wanted;
  if (!SUITES[family].includes(suite)) {
    throw new BaseImageFailure("unknown-suite", `make base image "${name}": ${family} has no suite "${wanted}"${offer(wanted, [...SUITES[family], ...Object.keys(NUMBERS[family])], family)}`, {
      hint: `known suites: ${SUITES[family].join(", ")}`,
    });
  }
  return { kind: "suite", distribution: family, suite, slim };
}

function offer(word: string, candidates: readonly string[], family?: string): string {
  const near = nearest(word, candidates);
  return near === undefined ? "" : `, did you mean "${family === undefined ? near : `${family}:${near}`}"?`;
}
