import { nearest } from "../base/nearest.ts";
import { ENTITLEMENTS, type Entitlement } from "../dockerfile/lower/entitlement.ts";
import { UsageError } from "./usage-error.ts";

/** Reads one of `--allow`. Throws UsageError. */
export function entitlement(text: string): Entitlement {
  const known = ENTITLEMENTS.find((one) => one === text);
  if (known !== undefined) return known;
  const meant = nearest(text, ENTITLEMENTS);
  throw new UsageError("bad-value", `invalid argument ${JSON.stringify(text)} for "--allow" flag: it is one of ${ENTITLEMENTS.join(", ")}`, meant === undefined ? {} : { hint: `did you mean ${meant}?` });
}
