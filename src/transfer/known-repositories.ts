import { isText, listOf } from "../base/shape.ts";
import type { Digest } from "../oci/digest.ts";
import type { RecordStore } from "../store/records.ts";

const KIND = "blob-repositories";
const MOST = 3;

/** Notes that a repository has a blob, so that a push to another of the same registry can have it mounted from there. */
export function noteRepository(records: RecordStore, registry: string, repository: string, digest: Digest): void {
  const known = knownRepositories(records, registry, digest);
  if (known[0] !== repository) {
    records.put(KIND, `${registry} ${digest}`, [repository, ...known.filter((one) => one !== repository)].slice(0, MOST));
  }
}

/** Repositories of the registry that had the blob when we last looked, the latest first. */
export function knownRepositories(records: RecordStore, registry: string, digest: Digest): readonly string[] {
  return records.get(KIND, `${registry} ${digest}`, listOf(isText)) ?? [];
}
