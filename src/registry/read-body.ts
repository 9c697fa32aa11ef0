import { RegistryFailure } from "./registry-error.ts";
import type { HttpResponse } from "./transport.ts";

/** Reads a whole body that must not be larger than `limit`: an endless answer must not fill the memory. */
export async function readBody(response: HttpResponse, limit: number, doing: string, server = "the registry"): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response.body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > limit) throw new RegistryFailure("too-large", `${doing}: ${server}'s answer is larger than ${limit} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof RegistryFailure) throw error;
    throw new RegistryFailure("cut", `${doing}: ${server} broke off after ${size} bytes`, { cause: error, transient: true });
  }
  return Buffer.concat(chunks);
}
