import type { BuildEvent } from "../events/build-event.ts";

/** Writes down events with their times, in seconds since the build began. */
export function at(time: number) {
  const ms = time * 1000;
  return {
    plan: (...names: string[]): BuildEvent => ({ type: "plan", steps: names.map((name, id) => ({ id, name })), time: ms }),
    start: (id: number, name: string): BuildEvent => ({ type: "step-started", id, name, time: ms }),
    log: (id: number, data: string): BuildEvent => ({ type: "step-log", id, stream: "stdout", data, time: ms }),
    cached: (id: number, name: string): BuildEvent => ({ type: "step-cached", id, name, time: ms }),
    finish: (id: number, name: string): BuildEvent => ({ type: "step-finished", id, name, time: ms }),
    fail: (id: number, name: string, message: string): BuildEvent => ({ type: "step-failed", id, name, message, time: ms }),
    cancel: (id: number, name: string): BuildEvent => ({ type: "step-cancelled", id, name, time: ms }),
    miss: (id: number, message: string): BuildEvent => ({ type: "miss", id, message, time: ms }),
    move: (id: number, item: string, current: number, total: number, done = false): BuildEvent => ({ type: "progress", id, item, current, total, done, time: ms }),
    warn: (message: string): BuildEvent => ({ type: "warning", message, time: ms }),
  };
}
