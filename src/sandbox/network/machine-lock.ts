import { closeSync, mkdirSync, openSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { tryLock } from "../../sys/files.ts";

const DIRECTORY = "/run/laminate";

/** One change of this machine's network at a time, whatever store asks for it; the kernel frees what a dead process held. Root only. */
export async function lockMachineNetwork(): Promise<Disposable> {
  mkdirSync(DIRECTORY, { recursive: true, mode: 0o755 });
  const file = openSync(`${DIRECTORY}/network.lock`, "a", 0o600);
  try {
    while (!tryLock(file)) await sleep(5);
  } catch (error) {
    closeSync(file);
    throw error;
  }
  return { [Symbol.dispose]: () => closeSync(file) };
}
