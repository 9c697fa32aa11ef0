import { spawnAsUser } from "./as-user.ts";

/** `as-user-main.ts DIRECTORY COMMAND…`: for tests that first change what the machine offers. */
const [directory, ...argv] = process.argv.slice(2);
const child = spawnAsUser(directory!, argv, { env: process.env });
child.stdout!.pipe(process.stdout);
child.stderr!.pipe(process.stderr);
child.once("close", (code) => (process.exitCode = code ?? 1));
