/** A word between quotation marks, as bash and zsh read it. */
export function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** A word as the shell of this machine takes it; between quotation marks only where it needs them. */
export function quoteForShell(word: string, platform = process.platform): string {
  if (platform === 'win32') return /^[\w@%+=:,./\\-]+$/.test(word) ? word : `"${word}"`;
  return /^[\w@%+=:,./-]+$/.test(word) ? word : quote(word);
}
