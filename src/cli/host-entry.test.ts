import { expect, test } from "vitest";
import { hostEntry } from "./host-entry.ts";

test.each([
  ["a:1.2.3.4", { name: "a", address: "1.2.3.4" }],
  ["a=::1", { name: "a", address: "::1" }],
  ["a:[::1]", { name: "a", address: "::1" }],
  ["a:host-gateway", { name: "a", address: "host-gateway" }],
])("%s", (text, entry) => expect(hostEntry(text)).toEqual(entry));

test.each([
  ["a", 'bad format for add-host: "a"'],
  [":1.2.3.4", "bad format for add-host"],
  ["a:foo", 'invalid IP address in add-host: "foo"'],
  ["a:", 'invalid IP address in add-host: ""'],
])("%s is refused", (text, message) => expect(() => hostEntry(text)).toThrow(message));
