/** @returns the names in a text, which blanks and line ends part */
export function names(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/));
}
