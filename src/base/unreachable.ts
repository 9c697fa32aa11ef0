/** Closes a union: the compiler refuses a call that some variant can still reach. */
export function unreachable(value: never): never {
  throw new Error(`Internal error: unreachable variant ${JSON.stringify(value)}`);
}
