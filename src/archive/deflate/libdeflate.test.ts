import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { digestOf } from "../../oci/digest.ts";
import { Libdeflate } from "./libdeflate.ts";

const text = (): Buffer => Buffer.from(Array.from({ length: 60_000 }, (_, number) => `${(number * number) % 9973} of ${number}`).join(" "));

test("a processor that has no SIMD for WebAssembly gives the same bytes", () => {
  const script = `
    import { readFileSync } from "node:fs";
    const { Libdeflate } = await import(${JSON.stringify(new URL("./libdeflate.ts", import.meta.url).href)});
    const { digestOf } = await import(${JSON.stringify(new URL("../../oci/digest.ts", import.meta.url).href)});
    const text = ${text.toString()};
    const fast = WebAssembly.validate(readFileSync(new URL("./libdeflate.wasm", ${JSON.stringify(import.meta.url)})));
    console.log(fast, digestOf(new Libdeflate().deflate(text())));`;
  const [fast, digest] = execFileSync(process.execPath, ["--no-enable-sse4-1", "--no-enable-ssse3", "--no-enable-avx", "--input-type=module", "-e", script], { encoding: "utf8" }).trim().split(" ");
  expect(fast).toBe(String(process.arch !== "x64"));
  expect(digest).toBe(digestOf(new Libdeflate().deflate(text())));
});
