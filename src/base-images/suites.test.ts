import { describe, expect, it } from "vitest";
import { isPublic, parseDeb822, parseList, sourceLine, sourcesFor } from "./apt-sources.ts";
import { parseBaseName } from "./suites.ts";

describe("the name of a base", () => {
  it.each([
    ["debian:bookworm", { kind: "suite", distribution: "debian", suite: "bookworm", slim: false }],
    ["debian:12-slim", { kind: "suite", distribution: "debian", suite: "bookworm", slim: true }],
    ["debian", { kind: "suite", distribution: "debian", suite: "stable", slim: false }],
    ["ubuntu:24.04", { kind: "suite", distribution: "ubuntu", suite: "noble", slim: false }],
    ["busybox", { kind: "busybox" }],
  ])("%s", (name, wanted) => {
    expect(parseBaseName(name)).toEqual(wanted);
  });

  it.each([
    ["debain:bookworm", "unknown-distribution", 'did you mean "debian"?'],
    ["debian:bokworm", "unknown-suite", 'did you mean "debian:bookworm"?'],
    ["fedora:40", "unknown-distribution", "no such distribution"],
  ])("%s is refused with the nearest", (name, code, message) => {
    expect(() => parseBaseName(name)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) as unknown }));
  });
});

describe("the sources of apt", () => {
  const stanza = `Types: deb deb-src
# a comment
URIs: http://mirror.lan/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb-src
URIs: http://nowhere/
Suites: x
`;

  it("are read from both formats", () => {
    const [first, second] = parseDeb822(stanza);
    expect(parseDeb822(stanza)).toHaveLength(2);
    expect(sourceLine(first!)).toBe("deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://mirror.lan/debian bookworm main");
    expect(second!.suite).toBe("bookworm-updates");
    expect(parseList("# deb http://a b c\ndeb [signed-by=/k.gpg trusted=yes] http://a/debian sid main contrib # x\ndeb-src http://a sid main")).toEqual([
      { uri: "http://a/debian", suite: "sid", components: ["main", "contrib"], signedBy: "/k.gpg", trusted: true },
    ]);
  });

  it("of this machine are used where it has the suite, else its mirror with the suite's name", () => {
    const host = parseDeb822(stanza);
    expect(sourcesFor(host, "debian", "bookworm").map(({ uri, suite }) => `${uri} ${suite}`)).toEqual(["http://mirror.lan/debian bookworm", "http://mirror.lan/debian bookworm-updates"]);
    expect(sourcesFor(host, "debian", "trixie")[0]).toMatchObject({ uri: "http://mirror.lan/debian", suite: "trixie" });
    expect(isPublic(sourcesFor([], "debian", "bookworm"), "debian")).toBe(true);
  });

  it("lose their passwords", () => {
    const host = parseList("deb https://me:secret@mirror.lan/debian bookworm main");
    expect(sourcesFor(host, "debian", "bookworm").map(sourceLine).join()).not.toContain("secret");
  });
});
