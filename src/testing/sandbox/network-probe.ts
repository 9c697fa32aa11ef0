import { spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openPasta } from "../../sandbox/network/pasta.ts";
import { openSlirp } from "../../sandbox/network/slirp.ts";

/** `network-probe.ts DIRECTORY KIND PATH URL`, in a mount namespace of its own: fetches from inside a private network, tells its devices, and what is left. */
const [directory, kind, path, url] = process.argv.slice(2);
const place = mkdtempSync(join(directory!, "network-"));
const inside = (network: string, argv: readonly string[]) => spawnSync("nsenter", [`--net=${network}`, "timeout", "5", ...argv], { encoding: "utf8" }).stdout;
try {
  await using network = await (kind === "pasta" ? openPasta : openSlirp)(path!, { directory: place, env: process.env, ports: [] });
  console.log(inside(network.path, ["busybox", "wget", "-q", "-O", "-", url!]));
  console.log(inside(network.path, ["busybox", "ip", "-o", "link"]).replace(/^.*?: (\S+): .*$/gm, "$1"));
} catch (error) {
  console.log(String(error));
}
writeFileSync(join(place, "end"), "");
process.exit(0);
