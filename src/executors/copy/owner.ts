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
 * /etc/group; a uid without a group is its own gid (Dockerfile reference, COPY --chown). Throws {@link ExecuteError}.
 */
export async function ownerIds(owner: Owner, base: readonly DiffId[], trees: LayerTrees): Promise<OwnerIds> {
  const { user, group } = owner;
  if (NUMBER.test(user) && (group === undefined || NUMBER.test(group))) {
    return { uid: Number(user), gid: Number(group ?? user) };
  }
  const [passwd, groups] = await Promise.all([fileText("etc/passwd", base, trees), fileText("etc/group", base, trees)]);
  const word = group === undefined ? user : `${user}:${group}`;
  try {
    const { uid, gid } = findAccount(word, passwd, groups);
    return { uid, gid: group === undefined && NUMBER.test(user) ? uid : gid };
  } catch (error) {
    throw new ExecuteError("bad-owner", `the owner ${JSON.stringify(word)} is not in the image: ${error instanceof Error ? error.message : ""}`, {
      cause: error,
      hint: "a number needs no entry in /etc/passwd",
    });
  }
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
