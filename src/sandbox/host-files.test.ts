import { expect, test } from "vitest";
import { hostsFile, resolvConf } from "./host-files.ts";

const HOST = "# made by a machine\nnameserver 127.0.0.53\nnameserver 10.0.0.1\nsearch example.org\noptions ndots:2\n";

test("on the host's network the container has the host's nameservers", () => {
  expect(resolvConf(HOST, { loopbackIsHost: true })).toBe("nameserver 127.0.0.53\nnameserver 10.0.0.1\nsearch example.org\noptions ndots:2\n");
});

test("on a network of its own the host's loopback is left out", () => {
  expect(resolvConf(HOST, { loopbackIsHost: false })).toBe("nameserver 10.0.0.1\nsearch example.org\noptions ndots:2\n");
});

test("when no nameserver is left public ones are taken, as Docker does", () => {
  expect(resolvConf("nameserver ::1\n", { loopbackIsHost: false })).toBe("nameserver 8.8.8.8\nnameserver 8.8.4.4\n");
});

test("a private network's own nameservers replace the host's and keep its search list", () => {
  expect(resolvConf(HOST, { loopbackIsHost: false, nameservers: ["10.0.2.3"] })).toBe("nameserver 10.0.2.3\nsearch example.org\noptions ndots:2\n");
});

test("a search list that was asked for replaces the host's", () => {
  expect(resolvConf(HOST, { loopbackIsHost: true, nameservers: ["10.9.9.9"], search: ["a.test", "b.test"] })).toBe("nameserver 10.9.9.9\noptions ndots:2\nsearch a.test b.test\n");
});

test("hosts names the loopback, the container and what was added", () => {
  const lines = hostsFile({ hostname: "box", loopbackIsHost: true, addHosts: [{ name: "db", address: "10.1.1.1" }] }).split("\n");
  expect(lines[0]).toBe("127.0.0.1\tlocalhost box");
  expect(lines.at(-2)).toBe("10.1.1.1\tdb");
});

test("on a network of its own the container's name stands for its address there", () => {
  const lines = hostsFile({ hostname: "box", address: "10.213.0.2", loopbackIsHost: false }).split("\n");
  expect(lines[0]).toBe("127.0.0.1\tlocalhost");
  expect(lines.at(-2)).toBe("10.213.0.2\tbox");
});

test("host-gateway is where this machine answers: its loopback on its own network, the gateway on another, nowhere without", () => {
  const addHosts = [{ name: "here", address: "host-gateway" }];
  expect(hostsFile({ hostname: "box", loopbackIsHost: true, addHosts })).toContain("127.0.0.1\there\n");
  expect(hostsFile({ hostname: "box", loopbackIsHost: false, address: "10.213.0.2", gateway: "10.213.0.1", addHosts })).toContain("10.213.0.1\there\n");
  expect(() => hostsFile({ hostname: "box", loopbackIsHost: false, addHosts })).toThrow('cannot add the host "here:host-gateway"');
});
