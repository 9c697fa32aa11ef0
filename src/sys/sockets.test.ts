import { closeSync } from "node:fs";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { expect, test } from "vitest";
import { bindPort } from "./sockets.ts";

test.each(["127.0.0.1", "0.0.0.0", "::1"])("a tcp port taken at %s is refused to others until it is given back", async (address) => {
  const { file, port } = bindPort({ address, port: 0, protocol: "tcp" });
  expect(port).toBeGreaterThan(0);
  expect(() => bindPort({ address, port, protocol: "tcp" })).toThrow(expect.objectContaining({ code: "EADDRINUSE" }));
  const server = createServer();
  const [error] = (await once(server.listen(port, address), "error").catch((thrown: unknown) => [thrown])) as [NodeJS.ErrnoException];
  expect(error.code).toBe("EADDRINUSE");
  const client = connect(port, address);
  await once(client, "connect"); // it listens, at the address that was asked for
  client.destroy();
  closeSync(file);
  closeSync(bindPort({ address, port, protocol: "tcp" }).file);
});

test("a udp port is taken apart from the tcp port of its number", async () => {
  // Of tcp ports hundreds may be in use by others, so the number is one that is free there.
  const { file: tcp, port } = bindPort({ address: "127.0.0.1", port: 0, protocol: "tcp" });
  const { file: udp } = bindPort({ address: "127.0.0.1", port, protocol: "udp" });
  const socket = createSocket("udp4");
  socket.bind(port, "127.0.0.1");
  const [error] = (await once(socket, "error").catch((thrown: unknown) => [thrown])) as [NodeJS.ErrnoException];
  expect(error.code).toBe("EADDRINUSE");
  for (const file of [tcp, udp]) closeSync(file);
});

test("an address that is not this machine's is refused", () => {
  expect(() => bindPort({ address: "198.51.100.7", port: 0, protocol: "tcp" })).toThrow(expect.objectContaining({ code: "EADDRNOTAVAIL" }));
});
