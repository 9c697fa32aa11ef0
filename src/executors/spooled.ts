import type { Located } from "../store/layers/located.ts";
import type { Store } from "../store/store.ts";
import { writeStream } from "../store/write-file.ts";

/** Writes down a content that lies nowhere in one piece, as that of a file with holes in its layer's tar. */
export async function spooled(content: AsyncIterable<Buffer>, store: Store): Promise<Located> {
  const file = store.temporaryFile();
  await writeStream(file, content, () => undefined);
  return { file, offset: 0 };
}
