/**
 * A path inside a layer as a *byte string*: each UTF-16 unit of the string holds one byte (latin1), because Linux
 * file names are bytes and need not be UTF-8. Relative, no leading or trailing slash, no empty, "." or ".."
 * component; "" is the root. Comparing two byte strings with `<` compares their bytes.
 */
export type BytePath = string & { readonly __brand: "BytePath" };

// oxlint-disable-next-line no-control-regex
const ASCII = /^[\x00-\x7f]*$/;

/** The byte path of a UTF-8 text path that is already clean; a leading slash is dropped. */
export function bytePath(text: string): BytePath {
  return Buffer.from(text.replace(/^\/+/, ""), "utf8").toString("latin1") as BytePath;
}

/** The bytes of a byte string, for system calls and tar headers. */
export function pathBytes(path: string): Buffer {
  return Buffer.from(path, "latin1");
}

/** A byte string as text for people: UTF-8 decoded, bytes that are not UTF-8 shown as U+FFFD. */
export function pathText(path: string): string {
  return ASCII.test(path) ? path : Buffer.from(path, "latin1").toString("utf8");
}

/** The directory above a path; the root is above itself. */
export function parentPath(path: BytePath): BytePath {
  const slash = path.lastIndexOf("/");
  return (slash < 0 ? "" : path.slice(0, slash)) as BytePath;
}

/** The last component of a path; "" for the root. */
export function baseName(path: BytePath): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** A path below a directory: `name` is a byte string with no slash at its ends. */
export function joinPath(directory: BytePath, name: string): BytePath {
  return (directory === "" ? name : `${directory}/${name}`) as BytePath;
}
