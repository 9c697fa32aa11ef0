import { withoutPassword } from "../base/without-password.ts";

/** What builds are compared by: the place of a context, its Dockerfile, target and platform. In one text, in which no word has a space. */
export function slotOf(words: readonly string[]): string {
  return words.map((word) => withoutPassword(word).replaceAll("%", "%25").replaceAll(" ", "%20")).join(" ");
}

/** The place of the context that a slot is of. */
export function placeOf(slot: string): string {
  return slot.split(" ", 1)[0]!.replaceAll("%20", " ").replaceAll("%25", "%");
}
