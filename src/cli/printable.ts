// CSI with its parameters, OSC and the other strings up to their terminator, two-character escapes; in their 8-bit forms too (ECMA-48).
// oxlint-disable-next-line no-control-regex -- these are what is taken out
const ESCAPES = /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b[\]PX^_]|[\u009d\u0090\u0098\u009e\u009f])[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)?|\u001b[ -/]*[0-~]/g;
// oxlint-disable-next-line no-control-regex -- and these
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/**
 * Text from outside made safe for a terminal: escape sequences are taken out whole, other control characters shown as
 * U+FFFD; newlines and tabs stay. A step, a registry or a file name could otherwise move the cursor, retitle the
 * window or answer to the terminal's queries. (node:util could take the sequences out, but takes 3 ms to load.)
 */
export function printable(text: string): string {
  return text.replace(ESCAPES, "").replace(CONTROLS, "\ufffd");
}
