/** A URL of http(s) without the name and password in it, which may be a secret either; anything else as it is. */
export function withoutPassword(text: string): string {
  return text.replace(/^(https?:\/\/)[^/?#]*@/i, "$1");
}
