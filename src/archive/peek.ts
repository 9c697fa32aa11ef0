/** A stream whose beginning was read: `all` is the whole of it. */
export interface Peeked {
  /** As many bytes as were asked for, or more; less only where there are no more. */
  readonly start: Buffer;
  readonly all: AsyncIterable<Buffer>;
}

/** Reads the first `size` bytes of a stream, and gives them back with what follows. `all` is to be read, or the source stays open. */
export async function peek(source: AsyncIterable<Buffer>, size: number): Promise<Peeked> {
  const iterator = source[Symbol.asyncIterator]();
  let start: Buffer = Buffer.alloc(0);
  while (start.length < size) {
    const next = await iterator.next();
    if (next.done === true) break;
    start = start.length === 0 ? next.value : Buffer.concat([start, next.value]);
  }
  return { start, all: startingWith(start, iterator) };
}

async function* startingWith(start: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  try {
    if (start.length > 0) yield start;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}
