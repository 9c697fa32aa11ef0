import { expect, test } from "vitest";
import { describePorts, parsePublish } from "./ports.ts";

const tcp = { hostIp: "", hostPort: 0, containerPort: 80, protocol: "tcp" } as const;

test.each([
  ["80", [tcp]],
  ["8080:80", [{ ...tcp, hostPort: 8080 }]],
  ["127.0.0.1:8080:80/tcp", [{ ...tcp, hostIp: "127.0.0.1", hostPort: 8080 }]],
  ["127.0.0.1::80", [{ ...tcp, hostIp: "127.0.0.1" }]],
  ["[::1]:53:53/udp", [{ hostIp: "::1", hostPort: 53, containerPort: 53, protocol: "udp" }]],
  ["8080-8081:80-81", [{ ...tcp, hostPort: 8080 }, { ...tcp, hostPort: 8081, containerPort: 81 }]],
] as const)("-p %s", (text, expected) => {
  expect(parsePublish(text)).toEqual(expected);
});

test.each([
  ["localhost:8080:80", "invalid IP address: localhost"],
  ["8080:80/sctp", "invalid proto: sctp"],
  ["8080-8081:80", "invalid ranges specified for container and host ports"],
  ["0", "invalid containerPort: 0"],
  ["70000:80", "invalid hostPort: 70000"],
  ["a:80", "invalid port specification"],
])("-p %s is refused: %s", (text, why) => {
  expect(() => parsePublish(text)).toThrow(`invalid argument ${JSON.stringify(text)} for "-p, --publish" flag: ${why}`);
});

test("published ports come after those only exposed, each with where it is reached", () => {
  expect(describePorts([{ ...tcp, hostPort: 8080 }, { ...tcp, hostIp: "::1", hostPort: 53, containerPort: 53, protocol: "udp" }], ["80/tcp", "9000/tcp"])).toBe("9000/tcp, [::1]:53->53/udp, 0.0.0.0:8080->80/tcp");
});
