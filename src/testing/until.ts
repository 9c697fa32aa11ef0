/** Waits for something to become so that another process does: as long as a busy machine may take for it, and less than a test may. */
export async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = performance.now() + 45_000; !(await what()); ) {
    if (performance.now() > end) throw new Error("it never happened");
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
