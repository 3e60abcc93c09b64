/** Quotes a name from an untrusted file for a message, at most 100 characters of it. */
export function quoted(name: string): string {
  return `"${name.length > 100 ? `${name.slice(0, 100)}…` : name}"`;
}
