import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { createSocket } from "node:dgram";
import { join } from "node:path";
import type { PortMapping } from "../../sandbox/network/network.ts";
import { openVeth } from "../../sandbox/network/veth.ts";
import { ask, IN_OUTSIDE, inside, MACHINE, ON_MACHINE, OUTSIDE, serve, traces, type Place } from "./machine-network.ts";

/** `veth-probe.ts DIRECTORY`, on a machine of {@link spawnOnMachine}: tells what two containers' networks reach, and what they leave. */
const directory = process.argv[2]!;
const env = process.env;
const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
const open = (name: string, ports: readonly PortMapping[]) => {
  mkdirSync(join(directory, name));
  return openVeth({ directory: join(directory, name), env, ports });
};
/** For what is to go unanswered. */
const UNANSWERED_MS = 1500;
const web: PortMapping = { hostIp: "", hostPort: 8080, containerPort: 80, protocol: "tcp" };
/** Takes the loopback's addresses from its device, and lets packets with them leave. */
const SEND_LOOPBACK_OUT = `
  echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet
  ip route del local 127.0.0.0/8 dev lo table local; ip route del local 127.0.0.1 dev lo table local
  ip route add 127.0.0.1 via "$0"`;

/** What a container says for a while at a published port. */
async function asked(place: Place, host: string, port: PortMapping): Promise<string> {
  await using network = await open(`at-${port.hostPort}`, [port]);
  const server = await serve(inside(network.path), "another", { port: port.containerPort });
  const said = ask(place, host, port.hostPort);
  server.kill();
  return said;
}

/** What a service on our loopback hears meanwhile; it answers nobody. */
async function heardOnLoopback(act: () => void): Promise<string[]> {
  const heard: string[] = [];
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(7001, "127.0.0.1", resolve));
  const last = new Promise<void>((resolve) => socket.on("message", (message, { address }) => (String(message) === "last" ? resolve() : heard.push(address))));
  ask(ON_MACHINE, "127.0.0.1", 7001, "udp", UNANSWERED_MS);
  act();
  socket.send("last", 7001, "127.0.0.1"); // what came before it is read before it
  await last;
  socket.close();
  return heard;
}

const before = traces();
await serve(IN_OUTSIDE, "outside", { port: 80 });
await serve(ON_MACHINE, "loopback", { port: 7000, host: "127.0.0.1" });
const one = await open("one", [web, { ...web, hostPort: 0, containerPort: 53, protocol: "udp" }, { ...web, hostIp: "127.0.0.1", hostPort: 8081 }]);
const two = await open("two", []);
const [here, there] = [inside(one.path), inside(two.path)];
await serve(here, "one", { port: 80 });
await serve(here, "one", { port: 53, protocol: "udp" });
const udp = one.ports[1]!.hostPort;
const told = {
  before,
  addresses: [one.address, two.address, one.gateway],
  outbound: ask(here, OUTSIDE, 80),
  loopback: ask(ON_MACHINE, "127.0.0.1", 8080),
  ownAddress: ask(ON_MACHINE, MACHINE, 8080),
  fromOutside: ask(IN_OUTSIDE, MACHINE, 8080),
  onlyLoopback: [ask(ON_MACHINE, "127.0.0.1", 8081), ask(IN_OUTSIDE, MACHINE, 8081)],
  itself: ask(here, MACHINE, 8080),
  neighbour: ask(there, one.address!, 80),
  udp: [ask(ON_MACHINE, "127.0.0.1", udp, "udp"), ask(IN_OUTSIDE, MACHINE, udp, "udp")],
  everyAddress: await asked(IN_OUTSIDE, MACHINE, { ...web, hostIp: "0.0.0.0", hostPort: 8082 }),
  otherAddress: await asked(IN_OUTSIDE, MACHINE, { ...web, hostIp: MACHINE, hostPort: 8081 }),
  // Outside knows a way to the container's address, and may still not use it.
  unpublished: (spawnSync("ip", ["-n", "outside", "route", "add", "10.213.0.0/16", "via", MACHINE]), ask(IN_OUTSIDE, one.address!, 80, "tcp", UNANSWERED_MS)),
  taken: await open("three", [web]).then(() => "opened", reasonOf),
  takenByOthers: await open("four", [{ ...web, hostIp: "127.0.0.1", hostPort: 7000 }]).then(() => "opened", reasonOf),
  loopbackFromInside: await heardOnLoopback(() => {
    // A container that may change its own network sends packets for our loopback to us.
    spawnSync("nsenter", [`--net=${one.path}`, "sh", "-c", SEND_LOOPBACK_OUT, one.gateway!]);
    ask(here, "127.0.0.1", 7001, "udp", UNANSWERED_MS);
  }),
  forwarding: traces().forwarding,
  rest: (await two[Symbol.asyncDispose](), ask(ON_MACHINE, "127.0.0.1", 8080)),
};
await one[Symbol.asyncDispose]();
console.log(JSON.stringify({ ...told, after: traces() }));
process.exit(0);
