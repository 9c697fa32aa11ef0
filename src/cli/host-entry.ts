import { isIP } from "node:net";
import { UsageError } from "./usage-error.ts";

/** `NAME:ADDRESS` or `NAME=ADDRESS` of --add-host; the address may be `host-gateway`, and in brackets. Throws UsageError. */
export function hostEntry(text: string): { name: string; address: string } {
  const at = text.search(/[:=]/);
  if (at < 1) throw new UsageError("bad-value", `bad format for add-host: "${text}"`, { hint: "as in db:10.0.0.2" });
  const address = text.slice(at + 1).replace(/^\[(.*)\]$/, "$1");
  if (address !== "host-gateway" && isIP(address) === 0) {
    throw new UsageError("bad-value", `invalid IP address in add-host: "${address}"`, { hint: "host-gateway stands for this machine" });
  }
  return { name: text.slice(0, at), address };
}
