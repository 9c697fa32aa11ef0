/** A part of a file at a place known before: it writes itself into zeros, at most up to the next piece's place. */
export interface Piece {
  readonly at: number;
  write(target: Buffer, at: number): void;
}

const CHUNK = 1 << 18;

/** Joins pieces, ordered by their places and the first at 0, into a file of `size` bytes, given in large chunks. */
export function* packPieces(pieces: Iterable<Piece>, size: number): Generator<Buffer> {
  let chunk: Piece[] = [];
  for (const piece of pieces) {
    if (chunk.length > 0 && piece.at - chunk[0]!.at >= CHUNK) {
      yield pack(chunk, piece.at);
      chunk = [];
    }
    chunk.push(piece);
  }
  yield pack(chunk, size);
}

function pack(pieces: readonly Piece[], end: number): Buffer {
  const start = pieces[0]!.at;
  const buffer = Buffer.alloc(end - start);
  for (const piece of pieces) {
    piece.write(buffer, piece.at - start);
  }
  return buffer;
}
