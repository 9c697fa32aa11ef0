/** One way to authenticate that a 401 offers (RFC 9110, 11.3); scheme and parameter names in lower case. */
export interface Challenge {
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** A name, then perhaps "=" and a token or a quoted string. A name without "=" starts a challenge, one with it belongs to the last. */
const PART = /[\s,]*([A-Za-z0-9!#$%&'*+.^_`|~-]+)(?:[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+)))?/y;

/** Reads a WWW-Authenticate header, in which commas separate both challenges and their parameters. What cannot be read ends it. */
export function parseChallenges(header: string): readonly Challenge[] {
  const found: { scheme: string; parameters: Record<string, string> }[] = [];
  PART.lastIndex = 0;
  for (let match = PART.exec(header); match !== null; match = PART.exec(header)) {
    const [, name = "", quoted, bare] = match;
    const value = quoted === undefined ? bare : quoted.replace(/\\(.)/g, "$1");
    if (value === undefined) {
      found.push({ scheme: name.toLowerCase(), parameters: {} });
    } else if (found.length > 0) {
      found.at(-1)!.parameters[name.toLowerCase()] = value;
    }
  }
  return found;
}
