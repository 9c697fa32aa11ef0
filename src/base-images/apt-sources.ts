import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { withoutPassword } from "../base/without-password.ts";
import type { Distribution } from "./suites.ts";

/** One archive that apt reads packages from. */
export interface AptSource {
  readonly uri: string;
  readonly suite: string;
  readonly components: readonly string[];
  /** A keyring's path on this machine. */
  readonly signedBy?: string;
  readonly trusted?: true;
}

const PUBLIC: Readonly<Record<Distribution, { readonly main: string; readonly security: string; readonly keyring: string; readonly components: readonly string[] }>> = {
  debian: { main: "http://deb.debian.org/debian", security: "http://deb.debian.org/debian-security", keyring: "/usr/share/keyrings/debian-archive-keyring.gpg", components: ["main"] },
  ubuntu: { main: "http://archive.ubuntu.com/ubuntu", security: "http://security.ubuntu.com/ubuntu", keyring: "/usr/share/keyrings/ubuntu-archive-keyring.gpg", components: ["main", "universe"] },
};
const ROLLING = new Set(["sid", "unstable", "devel"]);

/** All binary package sources of a machine, from `sources.list` and both formats of `sources.list.d` (sources.list(5)). */
export function readAptSources(aptDirectory: string): AptSource[] {
  const parts = join(aptDirectory, "sources.list.d");
  const names = listed(parts).sort();
  return [
    ...parseList(text(join(aptDirectory, "sources.list"))),
    ...names.filter((name) => name.endsWith(".list")).flatMap((name) => parseList(text(join(parts, name)))),
    ...names.filter((name) => name.endsWith(".sources")).flatMap((name) => parseDeb822(text(join(parts, name)))),
  ];
}

/** The one-line format: `deb [signed-by=…] URI SUITE COMPONENT…`. */
export function parseList(content: string): AptSource[] {
  return content.split("\n").flatMap((line) => {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)\s*([^#]*)/.exec(line);
    if (!match) {
      return [];
    }
    const options = new Map(words(match[1] ?? "").map((option) => [option.replace(/=.*/, ""), option.replace(/^[^=]*=/, "")]));
    return [source(match[2]!, match[3]!, words(match[4] ?? ""), options.get("signed-by"), options.get("trusted"))];
  });
}

/** The deb822 format: stanzas with Types, URIs, Suites, Components, Signed-By. */
export function parseDeb822(content: string): AptSource[] {
  const lines = content.split("\n").filter((line) => !line.startsWith("#")).join("\n");
  return lines.split(/\n\s*\n/).flatMap((stanza) => {
    const fields = new Map<string, string>();
    for (const match of stanza.matchAll(/^([A-Za-z-]+):((?:.*)(?:\n[ \t].*)*)/gm)) {
      fields.set(match[1]!.toLowerCase(), match[2]!.trim());
    }
    if (!words(fields.get("types") ?? "").includes("deb") || /^no$/i.test(fields.get("enabled") ?? "yes")) {
      return [];
    }
    return words(fields.get("uris") ?? "").flatMap((uri) =>
      words(fields.get("suites") ?? "").map((suite) => source(uri, suite, words(fields.get("components") ?? ""), fields.get("signed-by"), fields.get("trusted"))),
    );
  });
}

/**
 * The sources for one suite: this machine's own where it has the suite, else this machine's mirror of the same
 * distribution with the suite's name put in, else the distribution's public archive.
 */
export function sourcesFor(host: readonly AptSource[], distribution: Distribution, suite: string): AptSource[] {
  const known = host.filter((one) => /^https?:/.test(one.uri) && distributionOf(one) === distribution).map(withoutCredentials);
  const defaults = PUBLIC[distribution];
  const mirror = known.find((one) => !isPocket(one.suite));
  const security = known.find((one) => one.suite.endsWith("-security"));
  const make = (name: string, like: AptSource | undefined, uri: string): AptSource => {
    const own = known.find((one) => one.suite === name);
    return own ?? { uri: like?.uri ?? uri, suite: name, components: like?.components ?? defaults.components, signedBy: like?.signedBy ?? defaults.keyring, ...(like?.trusted ? { trusted: true as const } : {}) };
  };
  const main = make(suite, mirror, defaults.main);
  if (ROLLING.has(suite)) {
    return [main];
  }
  // A machine that has the suite itself decides which pockets go with it: its mirror may not carry the others.
  if (known.some((one) => one.suite === suite)) {
    return [main, ...known.filter((one) => one.suite === `${suite}-updates` || one.suite === `${suite}-security`)];
  }
  return [main, make(`${suite}-updates`, mirror, defaults.main), make(`${suite}-security`, security ?? (mirror?.uri === defaults.main ? undefined : mirror && { ...mirror, uri: mirror.uri.replace(/\/debian\/?$/, "/debian-security") }), defaults.security)];
}

/** The source as a line of sources.list. */
export function sourceLine(one: AptSource): string {
  const options = [one.signedBy === undefined ? "" : `signed-by=${one.signedBy}`, one.trusted ? "trusted=yes" : ""].filter((option) => option !== "");
  return `deb ${options.length === 0 ? "" : `[${options.join(" ")}] `}${one.uri} ${one.suite} ${one.components.join(" ")}`.trimEnd();
}

/** Whether the sources are the distribution's public archive, which every image of it reads anyway. */
export function isPublic(sources: readonly AptSource[], distribution: Distribution): boolean {
  return sources.every((one) => [PUBLIC[distribution].main, PUBLIC[distribution].security].includes(one.uri.replace(/\/$/, "")));
}

function distributionOf(one: AptSource): Distribution | undefined {
  if (/ubuntu/i.test(one.uri) || /ubuntu/i.test(one.signedBy ?? "")) {
    return "ubuntu";
  }
  return one.components.includes("main") && (/debian/i.test(one.uri) || /debian/i.test(one.signedBy ?? "")) ? "debian" : undefined;
}

/** A password in a source's URI stays on this machine; an image may be published. */
function withoutCredentials(one: AptSource): AptSource {
  return { ...one, uri: withoutPassword(one.uri) };
}

function isPocket(suite: string): boolean {
  return /-(?:updates|security|backports|proposed)/.test(suite) || suite.includes("/");
}

function source(uri: string, suite: string, components: readonly string[], signedBy: string | undefined, trusted: string | undefined): AptSource {
  return { uri, suite, components, ...(signedBy?.startsWith("/") ? { signedBy } : {}), ...(trusted === "yes" ? { trusted: true as const } : {}) };
}

function words(value: string): string[] {
  return value.split(/\s+/).filter((word) => word !== "");
}

function listed(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function text(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
