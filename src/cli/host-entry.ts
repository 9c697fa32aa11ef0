import type { HostEntry } from "../sandbox/sandbox.ts";
import { UsageError } from "./usage-error.ts";

/** `NAME:ADDRESS` or `NAME=ADDRESS` of --add-host. Throws UsageError. */
export function hostEntry(text: string): { name: string; address: string } {
  const at = text.search(/[:=]/);
  if (at < 1) throw new UsageError("bad-value", `bad format for add-host: "${text}"`);
  const address = text.slice(at + 1);
  return { name: text.slice(0, at), address: address === "host-gateway" ? "127.0.0.1" : address };
}
