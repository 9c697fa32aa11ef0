/** The IDs of the builds that a process starts: their times, so that IDs sort as builds came, and the process's number. */
export class BuildIds {
  #last = 0;

  /** Another for each build, also for several in one millisecond. */
  next(now: number): string {
    this.#last = Math.max(now, this.#last + 1);
    const stamp = new Date(this.#last).toISOString().replace(/[-:.Z]/g, "").replace("T", "-");
    return `${stamp}-${process.pid}`;
  }
}
