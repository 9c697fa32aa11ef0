import { bytePath } from "../../base/byte-path.ts";
import type { Owner } from "../../graph/operation.ts";
import type { DiffId } from "../../oci/digest.ts";
import { findAccount } from "../../sandbox/user.ts";
import { ExecuteError } from "../execute-error.ts";
import type { LayerTrees } from "../layer-trees.ts";
import { follow } from "./select.ts";

export interface OwnerIds {
  readonly uid: number;
  readonly gid: number;
}

const NUMBER = /^\d+$/;
const MAX_ACCOUNTS = 4 << 20;

/**
 * The ids that `--chown` or USER gives: numbers stand as they are, names are looked up in the tree's /etc/passwd and
 * /etc/group; a uid without a group is its own gid (Dockerfile reference, COPY --chown). What is empty is root's, and so
 * is a name that the image does not have, which `warn` is told: BuildKit builds on, and fails only where there is no layer to look into.
 */
export async function ownerIds({ user, group }: Owner, base: readonly DiffId[], trees: LayerTrees, warn: (message: string) => void): Promise<OwnerIds> {
  if (base.length === 0 && [user, group ?? ""].some((word) => ids(word) === undefined)) {
    throw new ExecuteError("bad-owner", `nobody is called ${JSON.stringify(group === undefined ? user : `${user}:${group}`)} in an image without files`, { hint: "a number needs no entry in /etc/passwd" });
  }
  const known = async (word: string, file: string, find: (text: string) => OwnerIds) => {
    try {
      return find(await fileText(file, base, trees));
    } catch {
      warn(`the image has no ${JSON.stringify(word)} in /${file}`);
      return undefined;
    }
  };
  const person = ids(user) ?? (await known(user, "etc/passwd", (text) => findAccount(user, text, ""))) ?? { uid: 0, gid: 0 };
  if (group === undefined) return { uid: person.uid, gid: person.gid };
  const { gid } = ids(group) ?? (await known(group, "etc/group", (text) => findAccount(`0:${group}`, "", text))) ?? person;
  return { uid: person.uid, gid };
}

/** The ids that a word without a line in a file stands for. */
function ids(word: string): OwnerIds | undefined {
  if (word === "") return { uid: 0, gid: 0 };
  return NUMBER.test(word) ? { uid: Number(word), gid: Number(word) } : undefined;
}

async function fileText(path: string, base: readonly DiffId[], trees: LayerTrees): Promise<string> {
  const source = await trees.source("the image", base);
  const found = follow(source, bytePath(path));
  if (found?.entry.type !== "file" || found.entry.size > MAX_ACCOUNTS) {
    return "";
  }
  const chunks: Buffer[] = [];
  for await (const chunk of source.read(found.entry)) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
