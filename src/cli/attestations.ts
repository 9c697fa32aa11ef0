import { csvFields } from "./csv-fields.ts";
import { UsageError } from "./usage-error.ts";

/** Attestations are not made: what turns them off is taken, what asks for one is refused. Throws UsageError. */
export function refuseAttestations({ attest, provenance, sbom }: { readonly attest: readonly string[]; readonly provenance: string | undefined; readonly sbom: string | undefined }): void {
  const asked = [
    ...attest.filter((text) => !csvFields(text).some((field) => field === "disabled=true" || field === "disabled")).map((text) => `--attest ${text}`),
    ...(isOff(provenance) ? [] : [`--provenance=${provenance}`]),
    ...(isOff(sbom) ? [] : [`--sbom=${sbom}`]),
  ];
  if (asked.length > 0) {
    throw new UsageError("bad-value", `${asked[0]} is not supported: no attestations are made yet`, { hint: "--provenance=false and --sbom=false say so too" });
  }
}

function isOff(value: string | undefined): boolean {
  return value === undefined || ["false", "0", "f", "disabled=true"].includes(value.toLowerCase());
}
