import { readInRootfs } from "./rootfs-path.ts";
import { SandboxError } from "./sandbox-error.ts";

/** Whom a process runs as, in the container's numbers. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups, without `gid`. */
  readonly groups: readonly number[];
  readonly home: string;
}

interface PasswdLine {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

interface GroupLine {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

const MAX_ID = 2 ** 31 - 1;

/**
 * The account that Docker's USER or `--user` names, from the image's own /etc/passwd and /etc/group:
 * `name|uid[:group|gid]`, "" for root. A number needs no line there; a name does. Without a group the supplementary
 * groups are those that list the user; with one there are none. Files may be absent; links are followed inside the image only.
 */
export function lookUpAccount(rootfs: string, user: string): Account {
  return findAccount(user, readInRootfs(rootfs, "/etc/passwd") ?? "", readInRootfs(rootfs, "/etc/group") ?? "");
}

/** As {@link lookUpAccount}, from the texts of the two files. */
export function findAccount(user: string, passwd: string, group: string): Account {
  const colon = user.indexOf(":");
  const userWord = colon < 0 ? user : user.slice(0, colon);
  const groupWord = colon < 0 ? "" : user.slice(colon + 1);
  const person = findPerson(userWord, parsePasswd(passwd));
  const groups = parseGroup(group);
  if (groupWord !== "") {
    return { uid: person.uid, gid: findGroup(groupWord, groups), groups: [], home: person.home };
  }
  const supplementary = groups.filter(({ members, gid }) => person.name !== undefined && members.includes(person.name) && gid !== person.gid);
  return { uid: person.uid, gid: person.gid, groups: [...new Set(supplementary.map(({ gid }) => gid))], home: person.home };
}

function findPerson(word: string, lines: readonly PasswdLine[]): { uid: number; gid: number; home: string; name?: string } {
  const id = word === "" ? 0 : idOf(word);
  const line = lines.find(({ name, uid }) => (word !== "" && name === word) || uid === id);
  if (line !== undefined) {
    return { ...line, home: line.home || "/" };
  }
  if (id === undefined) {
    throw new SandboxError("no-such-user", `unable to find user ${word}: no matching entries in passwd file`);
  }
  return { uid: id, gid: 0, home: "/" };
}

function findGroup(word: string, lines: readonly GroupLine[]): number {
  const id = idOf(word);
  const line = lines.find(({ name, gid }) => name === word || gid === id);
  const gid = line?.gid ?? id;
  if (gid === undefined) {
    throw new SandboxError("no-such-group", `unable to find group ${word}: no matching entries in group file`);
  }
  return gid;
}

function idOf(word: string): number | undefined {
  if (!/^[0-9]+$/.test(word)) return undefined;
  const id = Number(word);
  if (id > MAX_ID) {
    throw new SandboxError("no-such-user", `uids and gids must be in range 0-${MAX_ID}, found ${word}`);
  }
  return id;
}

function parsePasswd(text: string): PasswdLine[] {
  return fieldsOf(text, 6).flatMap(([name, , uid, gid, , home]) => (isId(uid) && isId(gid) ? [{ name: name!, uid: Number(uid), gid: Number(gid), home: home ?? "" }] : []));
}

function parseGroup(text: string): GroupLine[] {
  return fieldsOf(text, 3).flatMap(([name, , gid, members]) => (isId(gid) ? [{ name: name!, gid: Number(gid), members: (members ?? "").split(",").map((member) => member.trim()) }] : []));
}

function fieldsOf(text: string, atLeast: number): string[][] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "" && !line.startsWith("#"))
    .map((line) => line.split(":"))
    .filter((fields) => fields.length >= atLeast);
}

function isId(word: string | undefined): boolean {
  return word !== undefined && /^[0-9]+$/.test(word);
}
