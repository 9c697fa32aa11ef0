/** CRC-32's polynomial, bits reversed (RFC 1952, 8). */
const POLYNOMIAL = 0xedb8_8320;
/** x to the power of 1, as such a reversed polynomial. */
const X = 0x4000_0000;
const ONE = 0x8000_0000;

/**
 * The CRC-32 of two stretches of bytes one after the other, from the CRC-32 of each and the length of the second in
 * bytes: the first one's remainder is moved on by so many zeros, which is a multiplication by x^(8n).
 */
export function crc32Combine(first: number, second: number, length: number): number {
  return (multiply(first, powerOfX(8 * length)) ^ second) >>> 0;
}

/** x^n modulo the polynomial, by squaring. */
function powerOfX(n: number): number {
  let power = ONE;
  let square = X;
  for (let rest = n; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) power = multiply(power, square);
    square = multiply(square, square);
  }
  return power;
}

function multiply(a: number, b: number): number {
  let product = 0;
  let shifted = b;
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= shifted;
    shifted = (shifted & 1) === 0 ? shifted >>> 1 : (shifted >>> 1) ^ POLYNOMIAL;
  }
  return product >>> 0;
}
