import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { reasonOf } from "../../base/failure.ts";
import { SandboxError } from "../sandbox-error.ts";
import { findCommand } from "../search-path.ts";
import { linkNames, LINK_PREFIX, nameOfLink, type Link } from "./links.ts";
import type { PortMapping } from "./network.ts";
import { portFailure } from "./reserve-ports.ts";

const SETTING = "/proc/sys/net/ipv4/ip_forward";
const OTHERS = `${LINK_PREFIX}+`;

/**
 * A link's rules, each marked with its name: so those of a link that is gone are known, and nothing else has to be kept
 * anywhere. In the form of iptables-restore(8), by table.
 */
export function linkRules({ name, id, address }: Link, ports: readonly PortMapping[]): string {
  const mark = `-m comment --comment ${PREFIX}${id}`;
  const published = ports.flatMap(({ hostIp, hostPort, containerPort, protocol }) => {
    const to = `${isEveryAddress(hostIp) ? "" : `-d ${hostIp}/32 `}-p ${protocol} -m ${protocol} --dport ${hostPort} -m addrtype --dst-type LOCAL ${mark} -j DNAT --to-destination ${address}:${containerPort}`;
    return [`-A PREROUTING ${to}`, `-A OUTPUT ${to}`];
  });
  return [
    "*mangle",
    // Its packets are its own. With 127/8 as source or destination they would come to what listens on our loopback
    // only, now that the link may carry such addresses (route_localnet; CVE-2020-8558).
    `-A PREROUTING -i ${name} ! -s ${address}/32 ${mark} -j DROP`,
    `-A PREROUTING -i ${name} -d 127.0.0.0/8 ${mark} -j DROP`,
    "COMMIT",
    "*nat",
    `-A POSTROUTING -s ${address}/32 ! -o ${OTHERS} ${mark} -j MASQUERADE`,
    ...published,
    // A way back for who asked through our loopback, and for the container itself.
    `-A POSTROUTING -s 127.0.0.0/8 -o ${name} ${mark} -j MASQUERADE`,
    `-A POSTROUTING -s ${address}/32 -o ${name} ${mark} -j MASQUERADE`,
    "COMMIT",
    "*filter",
    // First in the chain, as Docker and ufw end it with a DROP. Into the container comes what it asked for, what is
    // published, and what other containers send.
    `-I FORWARD 1 -o ${name} -m conntrack --ctstate RELATED,ESTABLISHED ${mark} -j ACCEPT`,
    `-I FORWARD 2 -o ${name} -m conntrack --ctstate DNAT ${mark} -j ACCEPT`,
    `-I FORWARD 3 -i ${OTHERS} -o ${name} ${mark} -j ACCEPT`,
    `-I FORWARD 4 -o ${name} ${mark} -j DROP`,
    `-I FORWARD 5 -i ${name} ${mark} -j ACCEPT`,
    "COMMIT",
    "",
  ].join("\n");
}

/**
 * Puts a link's rules in, and lets this machine forward packets. Throws {@link SandboxError} `network-failed`, or
 * `port-taken` for a port that a container holds whose monitor, and with it the reservation, is lost.
 */
export function addLinkRules(link: Link, ports: readonly PortMapping[], { living }: Swept, env: NodeJS.ProcessEnv): void {
  refuseTaken(living, ports);
  const isFirst = !isForwarding();
  restore(linkRules(link, ports) + (isFirst ? FORWARDING_RULE : ""), env);
  if (isFirst) writeFileSync(SETTING, "1");
}

function isEveryAddress(hostIp: string): boolean {
  return hostIp === "" || hostIp === "0.0.0.0";
}

function refuseTaken(living: readonly MarkedRule[], ports: readonly PortMapping[]): void {
  const others = living.filter(({ rule }) => rule.startsWith("-A PREROUTING ") && rule.includes(" -j DNAT "));
  const taken = ports.find(({ hostIp, protocol, hostPort }) =>
    others.some(({ rule }) => {
      const address = / -d (\S+)\/32 /.exec(rule)?.[1];
      const isSameAddress = address === undefined || isEveryAddress(hostIp) || address === hostIp;
      return isSameAddress && rule.includes(` -p ${protocol} `) && rule.includes(` --dport ${hostPort} `);
    }),
  );
  if (taken !== undefined) throw portFailure(taken, Object.assign(new Error("another container has it"), { code: "EADDRINUSE" }));
}

/** One of our rules, as iptables-save(8) writes it, and the link that it belongs to. */
interface MarkedRule {
  readonly table: string;
  readonly id: string;
  readonly rule: string;
}

export interface Swept {
  readonly living: readonly MarkedRule[];
  /** Whether the link that has ended still had rules: if not, a device of its name is another's. */
  readonly hadEnded: boolean;
}

/**
 * Takes out the rules of the link `ended` and of all that are gone; with the last of them this machine stops forwarding,
 * if it was we who made it forward and nobody else has rules about that. To be called with the machine's lock.
 */
export function sweepRules(env: NodeJS.ProcessEnv, ended?: string): Swept {
  const names = new Set(linkNames());
  const saved = save(env);
  const rules = marked(saved).filter(({ id }) => id !== FORWARDING);
  const living = rules.filter(({ id }) => id !== ended && names.has(nameOfLink(id)));
  remove(rules.filter((rule) => !living.includes(rule)), env);
  if (living.length === 0) stopForwarding(saved, env);
  return { living, hadEnded: rules.some(({ id }) => id === ended) };
}

/** Marks our rules: after it comes a link's ID, or `forwarding`. */
const PREFIX = "laminate:";
const FORWARDING = "forwarding";

/** A machine that did not forward must not begin to do so between its other networks: the rule forbids it, and tells later that it was we. */
const FORWARDING_RULE = `*filter\n-A FORWARD ! -i ${OTHERS} ! -o ${OTHERS} -m comment --comment ${PREFIX}${FORWARDING} -j DROP\nCOMMIT\n`;

function isForwarding(): boolean {
  return readFileSync(SETTING, "latin1").trim() !== "0";
}

function stopForwarding(saved: string, env: NodeJS.ProcessEnv): void {
  const own = marked(saved).filter(({ id }) => id === FORWARDING);
  if (own.length === 0) return;
  const others = saved.split("\n").some((line) => line.startsWith("-A FORWARD ") && !line.includes(PREFIX));
  if (!others && isForwarding()) writeFileSync(SETTING, "0");
  remove(own, env);
}

function remove(rules: readonly MarkedRule[], env: NodeJS.ProcessEnv): void {
  if (rules.length === 0) return;
  const tables = Map.groupBy(rules, ({ table }) => table);
  restore([...tables].flatMap(([table, all]) => [`*${table}`, ...all.map(({ rule }) => rule.replace("-A", "-D")), "COMMIT", ""]).join("\n"), env);
}

/** Our rules in the output of iptables-save(8). */
function marked(saved: string): MarkedRule[] {
  let table = "";
  return saved.split("\n").flatMap((rule) => {
    if (rule.startsWith("*")) table = rule.slice(1);
    const id = /--comment "?laminate:([\w:]+)"?/.exec(rule)?.[1];
    return id === undefined || !rule.startsWith("-A ") ? [] : [{ table, id, rule }];
  });
}

function save(env: NodeJS.ProcessEnv): string {
  return call("iptables-save", [], "", env);
}

function restore(rules: string, env: NodeJS.ProcessEnv): void {
  call("iptables-restore", ["--wait", "5", "--noflush"], rules, env);
}

function call(name: string, args: readonly string[], input: string, env: NodeJS.ProcessEnv): string {
  const command = findCommand(name, env);
  if (command === undefined) throw new SandboxError("network-failed", `cannot translate addresses: the command "${name}" was not found`);
  const { status, stdout, stderr, error } = spawnSync(command, args, { input, encoding: "utf8", timeout: 10_000, maxBuffer: 1 << 28 });
  if (status !== 0) throw new SandboxError("network-failed", `cannot translate addresses: ${name}: ${stderr.trim().split("\n")[0] || reasonOf(error)}`);
  return stdout;
}
