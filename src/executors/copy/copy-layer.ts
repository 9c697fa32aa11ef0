import type { DiffId } from "../../oci/digest.ts";
import type { Entry } from "../../store/layers/entry.ts";
import { layerIdentity } from "../../store/layers/identity.ts";
import { writeLayerTar } from "../../store/layer-tar.ts";
import type { Store } from "../../store/store.ts";
import type { PlannedEntry } from "./plan.ts";

const TABLE = "copy-layers";

/**
 * The layer that holds the planned entries: one that is here already where it says the same but for times,
 * else a new one written from the sources' contents.
 */
export async function copyLayer(planned: readonly PlannedEntry[], store: Store): Promise<DiffId> {
  const entries = await Promise.all(planned.map(digested));
  const identity = layerIdentity(entries.map(({ entry }) => entry));
  const known = store.records.get(TABLE, identity) as DiffId | undefined;
  if (known !== undefined) {
    store.leases.hold(known);
    if (store.layers.has(known)) return known;
  }
  const diffId = await store.layers.putTar(writeLayerTar(entries));
  store.records.put(TABLE, identity, diffId);
  return diffId;
}

async function digested({ entry, content }: PlannedEntry): Promise<{ entry: Entry; content?: () => AsyncIterable<Buffer> }> {
  if (content === undefined) {
    return { entry };
  }
  const digest = await content.source.digest(content.entry);
  return { entry: { ...entry, digest }, content: () => content.source.read(content.entry) };
}
