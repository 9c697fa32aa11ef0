import { isDigest } from "../oci/digest.ts";
import { canonicalReference, familiarName, familiarReference, parseReference, type Reference } from "../oci/reference.ts";
import type { ImageRecord } from "../store/images/image-store.ts";
import { RequestFailure } from "./api-error.ts";
import { removeImage, type Removal, type WithSandbox } from "./collect-garbage.ts";
import type { WithStore } from "./image-view.ts";

interface User {
  readonly id: string;
  readonly running: boolean;
}

/**
 * Takes a name away from an image, and the image itself with its last name. Given an ID, takes all its names. An image
 * that a container uses stays unless forced, and stays even then while that container runs. Its layers
 * go with it, but for those that other images, containers or the build cache need.
 */
export async function rmi(laminate: WithSandbox, options: { readonly image: string; readonly force?: boolean }): Promise<Removal[]> {
  const { store } = laminate;
  const record = store.images.find(options.image);
  const users = await usersOf(store, record);
  const force = options.force === true;
  const name = namedBy(record, options.image);
  if (name === undefined) {
    checkImageFree(record, users, force);
    return [...record.names.map((each) => untag(each)), ...(await removeImage(laminate, record))];
  }
  const going = withDigests(record, name);
  if (record.names.length > going.length) return going.map((each) => untag(each));
  checkNameFree(record, name, users, force);
  return [...going.map((each) => untag(each)), ...(users.length > 0 ? [] : await removeImage(laminate, record))];

  function untag(given: string): Removal {
    store.images.untag(given);
    return { untagged: familiarReference(parseReference(given)) };
  }
}

/** A name, and where it is the last tag of its repository, the digests by which that repository knows the image: docker counts those as names too. */
function withDigests(record: ImageRecord, name: string): string[] {
  const removed = parseReference(name);
  const same = record.names.filter((each) => each !== name && familiarName(parseReference(each)) === familiarName(removed));
  const hasTags = same.some((each) => parseReference(each).digest === undefined);
  return removed.digest !== undefined || hasTags ? [name] : [name, ...same];
}

/** The name of an image that the query means; undefined when it means the image by its ID. */
function namedBy(record: ImageRecord, query: string): string | undefined {
  if (isDigest(query)) return undefined;
  let reference: Reference;
  try {
    reference = parseReference(query);
  } catch {
    return undefined;
  }
  const canonical = canonicalReference(reference);
  return record.names.find((name) => name === canonical);
}

function checkNameFree(record: ImageRecord, name: string, users: readonly User[], force: boolean): void {
  if (force || users[0] === undefined) return;
  const shown = familiarReference(parseReference(name));
  throw new RequestFailure("conflict", `conflict: unable to remove repository reference "${shown}" (must force) - container ${short(users[0].id)} is using its referenced image ${short(record.id)}`);
}

function checkImageFree(record: ImageRecord, users: readonly User[], force: boolean): void {
  const running = users.find((user) => user.running);
  if (running !== undefined) {
    throw new RequestFailure("conflict", `conflict: unable to delete ${short(record.id)} (cannot be forced) - image is being used by running container ${short(running.id)}`);
  }
  if (force) return;
  if (users[0] !== undefined) {
    throw new RequestFailure("conflict", `conflict: unable to delete ${short(record.id)} (must be forced) - image is being used by stopped container ${short(users[0].id)}`);
  }
  if (new Set(record.names.map((name) => familiarName(parseReference(name)))).size > 1) {
    throw new RequestFailure("conflict", `conflict: unable to delete ${short(record.id)} (must be forced) - image is referenced in multiple repositories`);
  }
}

async function usersOf(store: WithStore["store"], record: ImageRecord): Promise<User[]> {
  const [{ containersUsing }, { isUp, stateOf }] = await Promise.all([import("../containers/containers.ts"), import("../containers/container.ts")]);
  return containersUsing(store, record.id).map((container) => ({ id: container.id, running: isUp(stateOf(container)) }));
}

function short(id: string): string {
  return id.replace(/^sha256:/, "").slice(0, 12);
}
