/** Columns that a character takes on a terminal: combining marks none, East Asian wide characters and emoji two. */
function columnsOf(character: string): number {
  if (/^[\p{Mn}\p{Me}\p{Cf}]$/u.test(character)) return 0;
  return /^[\p{Emoji_Presentation}\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]$/u.test(character) ||
    /^[\u{20000}-\u{3fffd}]$/u.test(character)
    ? 2
    : 1;
}

/** Columns that a text takes. */
export function textWidth(text: string): number {
  // oxlint-disable-next-line no-control-regex -- printable ASCII needs no look at each character
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  return [...text].reduce((sum, character) => sum + columnsOf(character), 0);
}

/** As much of a text as fits, its end replaced by "…" where it does not; tabs become spaces. */
export function clip(text: string, columns: number): string {
  const flat = text.replaceAll("\t", "    ");
  if (textWidth(flat) <= columns) return flat;
  let width = 0;
  let kept = "";
  for (const character of flat) {
    width += columnsOf(character);
    if (width > columns - 1) break;
    kept += character;
  }
  return columns < 1 ? "" : `${kept}…`;
}
