/** A word between quotation marks, as bash and zsh read it. */
export function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** A word as a shell takes it again; without quotation marks where it needs none. */
export function quoteForShell(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : quote(word);
}
