import { expect, test } from "vitest";
import { canonicalReference, familiarReference, parseReference } from "./reference.ts";

test.each([
  ["debian", "docker.io/library/debian:latest", "debian:latest"],
  ["debian:bookworm", "docker.io/library/debian:bookworm", "debian:bookworm"],
  ["me/app", "docker.io/me/app:latest", "me/app:latest"],
  ["index.docker.io/debian", "docker.io/library/debian:latest", "debian:latest"],
  ["localhost:5000/me/app:1", "localhost:5000/me/app:1", "localhost:5000/me/app:1"],
  ["localhost/app", "localhost/app:latest", "localhost/app:latest"],
  ["quay.io/a/b/c", "quay.io/a/b/c:latest", "quay.io/a/b/c:latest"],
])("%s is %s in full and %s for people", (text, full, familiar) => {
  const reference = parseReference(text);
  expect(canonicalReference(reference)).toBe(full);
  expect(familiarReference(reference)).toBe(familiar);
});

test("a digest stands without a tag", () => {
  const digest = `sha256:${"a".repeat(64)}`;
  expect(canonicalReference(parseReference(`debian@${digest}`))).toBe(`docker.io/library/debian@${digest}`);
});

test.each(["", "Debian", "a//b", "a:b:c", "-a", "a@sha256:1", `a:${"x".repeat(129)}`, "a/../b"])("%j is refused", (text) => {
  expect(() => parseReference(text)).toThrow(/invalid reference/);
});
