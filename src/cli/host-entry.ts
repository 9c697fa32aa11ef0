import { UsageError } from "./usage-error.ts";

/** `NAME:ADDRESS` or `NAME=ADDRESS` of --add-host; the address may be `host-gateway`. Throws UsageError. */
export function hostEntry(text: string): { name: string; address: string } {
  const at = text.search(/[:=]/);
  if (at < 1) throw new UsageError("bad-value", `bad format for add-host: "${text}"`);
  return { name: text.slice(0, at), address: text.slice(at + 1) };
}
