/** A name from a foreign file, for a message: it may be of any length. */
export function quoted(name: string): string {
  return `"${name.length > 100 ? `${name.slice(0, 100)}…` : name}"`;
}
