import { expect, test } from "vitest";
import { freeLinks, linkNames, nameOfLink } from "./links.ts";

const DEVICES = "Inter-|   Receive\n face |bytes\n    lo:   0\n  lam0: 12\n  lam2: 0\n  eth0: 5\n";
const HEADING = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n";
const route = (device: string, destination: string, mask: string) => `${device}\t${destination}\t00000000\t0001\t0\t0\t0\t${mask}\t0\t0\t0\n`;

function first(routes: string) {
  const { name, gateway, address } = freeLinks(DEVICES, HEADING + routes).next().value!;
  return { name, gateway, address };
}

test("a link takes the lowest number that has no device, and four addresses of that number", () => {
  expect(first(route("eth0", "00000000", "00000000"))).toEqual({ name: "lam1", gateway: "10.213.0.5", address: "10.213.0.6" });
  const links = [...freeLinks("", HEADING)];
  expect(links).toHaveLength(16384);
  expect(links.at(-1)).toMatchObject({ name: "lam16383", gateway: "10.213.255.253", address: "10.213.255.254" });
});

test("addresses that this machine has a way to already are left alone", () => {
  expect(first(route("eth1", "0003D50A", "00FFFFFF")).address).toBe("172.29.0.6"); // 10.213.3.0/24
  expect(first(route("vpn", "0000000A", "000000FF") + route("eth1", "0000B0AC", "0000F0FF")).address).toBe("172.29.0.6"); // 10.0.0.0/8, 172.176.0.0/12
  expect(first(route("vpn", "0000000A", "000000FF") + route("docker0", "000010AC", "0000F0FF")).address).toBe("192.168.0.6"); // 10.0.0.0/8, 172.16.0.0/12
});

test("our own routes are no reason", () => {
  expect(first(route("lam0", "0000D50A", "FCFFFFFF")).address).toBe("10.213.0.6");
});

test("devices of ours are known by their names, links by a name and what tells them apart", () => {
  expect(linkNames(DEVICES)).toEqual(["lam0", "lam2"]);
  const [one, two] = [freeLinks(DEVICES, HEADING).next().value!.id, freeLinks(DEVICES, HEADING).next().value!.id];
  expect(one).not.toBe(two);
  expect(nameOfLink(one)).toBe("lam1");
});
