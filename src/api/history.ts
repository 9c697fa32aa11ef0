import type { HistoryEntry } from "../oci/image-config.ts";
import { viewImage, type WithStore } from "./image-view.ts";

/** One line of an image's history, the newest first. */
export interface HistoryLine {
  /** Only the newest line has an image. */
  readonly id?: string;
  /** RFC 3339, as the image says it. */
  readonly created?: string;
  readonly createdBy: string;
  /** Bytes of the layer; 0 where the instruction made none. */
  readonly size: number;
  readonly comment: string;
  readonly emptyLayer: boolean;
}

/** How an image came to be, instruction by instruction. */
export async function history({ store }: WithStore, options: { readonly image: string }): Promise<HistoryLine[]> {
  const record = store.images.find(options.image);
  const { config, layerSizes } = await viewImage(store, record);
  const sizes = [...layerSizes];
  const lines = (config.history ?? []).map((entry) => lineOf(entry, entry.empty_layer === true ? 0 : (sizes.shift() ?? 0)));
  // A tool that squashes or flattens may leave layers that the history does not tell of.
  const untold = sizes.map((size) => lineOf({}, size));
  return [...lines, ...untold].reverse().map((line, index) => (index === 0 ? { ...line, id: record.id } : line));
}

function lineOf(entry: HistoryEntry, size: number): HistoryLine {
  return {
    ...(entry.created === undefined ? {} : { created: entry.created }),
    createdBy: entry.created_by ?? "",
    size,
    comment: entry.comment ?? "",
    emptyLayer: entry.empty_layer === true,
  };
}
