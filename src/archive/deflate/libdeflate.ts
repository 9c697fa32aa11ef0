import { readFileSync } from "node:fs";

/** The release that the .wasm files were made of, by scripts/libdeflate.sh: part of what compressed bytes depend on. */
export const libdeflateVersion = "1.23";

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  input(): number;
  output(): number;
  start(): void;
  deflate(length: number): number;
}

/** As much as is used; TypeScript has it among the browser's things only. */
declare const WebAssembly: {
  validate(bytes: Uint8Array): boolean;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

/** libdeflate's compressor at level 1. Takes 5 MiB of memory, for pieces of 2 MiB at most. */
export class Libdeflate {
  readonly #exports: Exports;

  constructor() {
    this.#exports = new WebAssembly.Instance(new WebAssembly.Module(code())).exports as Exports;
    this.#exports.start();
  }

  /** Bytes as a piece of a deflate stream that ends at a byte, and of which no block is the last one. What is given is valid until the next call. */
  deflate(bytes: Buffer): Buffer {
    const { memory, input, output, deflate } = this.#exports;
    Buffer.from(memory.buffer, input(), bytes.length).set(bytes);
    const length = deflate(bytes.length);
    if (length === 0) throw new Error("Internal error: deflated bytes are longer than the room for them");
    return Buffer.from(memory.buffer, output(), length);
  }
}

/** A processor without SSE4.1, which is what many a virtual machine says it has, has no SIMD for WebAssembly: the other one gives the same bytes, a quarter slower. */
function code(): Buffer {
  const fast = readFileSync(new URL("./libdeflate.wasm", import.meta.url));
  return WebAssembly.validate(fast) ? fast : readFileSync(new URL("./libdeflate-plain.wasm", import.meta.url));
}
