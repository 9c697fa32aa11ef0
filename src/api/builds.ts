import { nearest } from "../base/nearest.ts";
import { Failure } from "../base/failure.ts";
import { type BuildRecord, isBuildRecord } from "../explain/build-record.ts";
import { BuildRecords } from "../store/build-records.ts";
import { loggedBuilds, removeBuildLog } from "./build-log.ts";
import type { Laminate } from "./laminate.ts";

/** There is no record of the build that was asked for. */
export class NoSuchBuild extends Failure {
  readonly code = "no-such-build" as const;
}

type Stored = Pick<Laminate, "store" | "root">;

/** The builds whose records are kept, the newest first. One that found everything as the last had left it leaves none. */
export function builds({ store }: Pick<Laminate, "store">): BuildRecord[] {
  return new BuildRecords(store.records, isBuildRecord).list();
}

/** The build with an ID that begins so; the last for `last`, and the last of an image for its name. Throws {@link NoSuchBuild}. */
export function findBuild(laminate: Pick<Laminate, "store">, wanted = "last"): BuildRecord {
  const all = builds(laminate);
  const found = wanted === "last" ? all[0] : (all.find(({ id }) => id.startsWith(wanted)) ?? all.find(({ names, image }) => names.some((name) => name === wanted || name === `${wanted}:latest`) || image === wanted));
  if (found !== undefined) return found;
  const near = nearest(wanted, all.flatMap(({ id, names }) => [id, ...names, ...names.map((name) => name.replace(/:latest$/, ""))]));
  const hint = all.length === 0 ? "no build has run a step yet" : near === undefined ? `the last are ${all.slice(0, 5).map(({ id }) => id).join(", ")}` : `did you mean ${near}?`;
  throw new NoSuchBuild(wanted === "last" ? "no build is kept" : `no build ${JSON.stringify(wanted)} is kept`, { hint });
}

/** Forgets builds with their logs. What they made stays. Gives the IDs. Throws {@link NoSuchBuild} before anything is removed. */
export function removeBuilds(laminate: Stored, wanted: readonly string[] | "all"): string[] {
  const ids = wanted === "all" ? [...new Set([...builds(laminate).map(({ id }) => id), ...loggedBuilds(laminate)])] : wanted.map((one) => findBuild(laminate, one).id);
  const records = new BuildRecords(laminate.store.records, isBuildRecord);
  laminate.store.transaction(() => ids.forEach((id) => records.remove(id)));
  for (const id of ids) removeBuildLog(laminate, id);
  return ids;
}
