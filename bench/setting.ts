import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Peers } from "../src/testing/peers.ts";
import { startRegistry } from "../src/testing/registry.ts";
import { type Builder, LAMINATE, laminate, peers, preparePeer } from "./builders.ts";
import { pushNodeBase } from "./npm-app.ts";
import { openProcessEvents } from "./process-events.ts";
import type { Bench } from "./round.ts";
import { openSlowLink } from "./slow-link.ts";
import type { Bases } from "./workloads.ts";

/** What not every case needs: base images that take time to make, and the registry behind the slow link. */
export type Need = "debian" | "node" | "far";

export interface SettingOptions {
  /** Builders to measure beside Laminate. */
  readonly peers: Peers | undefined;
  readonly user: boolean;
  /** A name for the directory of the workloads, which is kept. */
  readonly work: string | undefined;
  readonly scale: number;
  readonly needs: readonly Need[];
  readonly signal: AbortSignal;
  readonly record: Bench["record"];
}

export interface Setting extends AsyncDisposable {
  readonly bench: Bench;
  readonly builders: readonly Builder[];
}

/** Opens all that a bench needs: a registry, places for contexts and stores, the builders with their base images. */
export async function openSetting(options: SettingOptions): Promise<Setting> {
  await using opening = new AsyncDisposableStack();
  const events = opening.use(openProcessEvents());
  const { port } = opening.use(await startRegistry());
  const needs = (one: Need) => options.needs.includes(one);
  const farRegistry = needs("far") ? opening.use(await openSlowLink(port)).address : undefined;
  const registry = `127.0.0.1:${port}`;
  const { contexts, scratch } = opening.use(openWork(options.peers?.work ?? tmpdir(), options.work));
  const { busybox, debian } = options.peers
    ? { busybox: "127.0.0.1:5055/library/busybox:latest", debian: "127.0.0.1:5055/library/debian:bookworm" }
    : { busybox: "busybox", debian: "debian:bookworm" };
  const bases: Bases = { busybox, ...(needs("debian") ? { debian } : {}), ...(needs("node") ? { node: pushNodeBase(scratch, debian, registry, LAMINATE) } : {}) };
  const registries = farRegistry === undefined ? [registry] : [registry, farRegistry];
  const builders: Builder[] = options.peers ? peers(options.peers, registries).map((peer) => opening.use(peer)) : [];
  for (const peer of builders) preparePeer(peer, bases);
  for (const user of options.user ? [false, true] : [false]) builders.push(opening.use(await laminate(path.join(scratch, user ? "user" : "root"), bases, user)));
  const opened = opening.move();
  const { signal, scale, record } = options;
  return { bench: { events, signal, directory: contexts, bases, scale, registry, farRegistry, record }, builders, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** Directories for contexts and for what goes at the end. */
function openWork(parent: string, kept: string | undefined): AsyncDisposable & { readonly contexts: string; readonly scratch: string } {
  const scratch = mkdtempSync(path.join(parent, "laminate-bench-"));
  const contexts = kept === undefined ? path.join(scratch, "contexts") : path.resolve(parent, kept);
  mkdirSync(contexts, { recursive: true });
  chmodSync(scratch, 0o755); // the ordinary user's store is in it
  return { contexts, scratch, async [Symbol.asyncDispose]() { rmSync(scratch, { recursive: true, force: true }); } };
}
