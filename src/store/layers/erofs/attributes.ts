import type { Entry } from "../entry.ts";
import { Unrepresentable } from "./unrepresentable.ts";

const HEADER = 12;
const ENTRY = 4;
const MAX_VALUE = 0xffff;
/** i_xattr_icount: words of 4 bytes after the header, and one. */
const MAX_SIZE = HEADER + 4 * (0xffff - 1);
const NONE = Buffer.alloc(0);

const NAMESPACES = [
  ["user.", 1],
  ["trusted.", 4],
  ["security.", 6],
] as const;
const ACLS: Readonly<Record<string, number>> = { "system.posix_acl_access": 2, "system.posix_acl_default": 3 };

/**
 * The extended attributes of an entry as they stand after its inode; no bytes for none. As in an unpacked layer, those
 * that Linux does not allow on such a file are left out, and an opaque directory has overlayfs's mark.
 */
export function encodeAttributes(entry: Entry): Buffer {
  const { xattrs } = entry;
  if (xattrs === undefined && entry.opaque !== true) {
    return NONE;
  }
  const parts = [...(xattrs ?? [])].flatMap(([name, value]) => encodeAttribute(entry, name, value));
  if (entry.opaque === true) {
    parts.push(record(4, "overlay.opaque", Buffer.from("y")));
  }
  if (parts.length === 0) {
    return NONE;
  }
  const encoded = Buffer.concat([Buffer.alloc(HEADER), ...parts]);
  if (encoded.length > MAX_SIZE) {
    throw new Unrepresentable(entry.path, `its extended attributes take ${encoded.length} bytes, more than ${MAX_SIZE}`);
  }
  return encoded;
}

/** i_xattr_icount of attributes that take so many bytes. */
export function attributeCount(encoded: Buffer): number {
  return encoded.length === 0 ? 0 : (encoded.length - HEADER) / 4 + 1;
}

function encodeAttribute(entry: Entry, name: string, value: Buffer): Buffer[] {
  if (value.length > MAX_VALUE) {
    throw new Unrepresentable(entry.path, `its attribute ${JSON.stringify(name)} has ${value.length} bytes, more than ${MAX_VALUE}`);
  }
  const acl = ACLS[name];
  if (acl !== undefined) {
    return isAclAllowed(entry, name) ? [record(acl, "", soundAcl(entry, value))] : [];
  }
  const namespace = NAMESPACES.find(([prefix]) => name.startsWith(prefix) && name.length > prefix.length);
  if (namespace === undefined || (namespace[0] === "user." && entry.type !== "file" && entry.type !== "directory")) {
    return []; // xattr(7): of links and devices there are no user attributes
  }
  const rest = name.slice(namespace[0].length);
  if (Buffer.byteLength(name) > 255) {
    throw new Unrepresentable(entry.path, "an extended attribute's name is longer than 255 bytes");
  }
  return [record(namespace[1], rest, value)];
}

function isAclAllowed({ type }: Entry, name: string): boolean {
  return name === "system.posix_acl_default" ? type === "directory" : type !== "symlink";
}

/** The kernel takes an ACL in an image as it stands, and then lets nobody at a file whose ACL it does not understand. */
function soundAcl(entry: Entry, value: Buffer): Buffer {
  if (value.length < 4 || value.length % 8 !== 4 || value.readUInt32LE(0) !== 2) {
    throw new Unrepresentable(entry.path, "its access control list is malformed");
  }
  return value;
}

function record(namespace: number, name: string, value: Buffer): Buffer {
  const bytes = Buffer.from(name);
  const encoded = Buffer.alloc(Math.ceil((ENTRY + bytes.length + value.length) / 4) * 4);
  encoded.writeUInt8(bytes.length, 0);
  encoded.writeUInt8(namespace, 1);
  encoded.writeUInt16LE(value.length, 2);
  bytes.copy(encoded, ENTRY);
  value.copy(encoded, ENTRY + bytes.length);
  return encoded;
}
