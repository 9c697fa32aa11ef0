/** The ID of a build that this process starts: its time, so that IDs sort as builds came, and the process's number. */
export function buildId(now: number): string {
  const stamp = new Date(now).toISOString().replace(/[-:.Z]/g, "").replace("T", "-");
  return `${stamp}-${process.pid}`;
}
