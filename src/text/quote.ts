/** A word in single quotes for bash and zsh. */
export function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** A word for the shell of this platform, quoted only if necessary. */
export function quoteForShell(word: string, platform = process.platform): string {
  if (platform === 'win32') return /^[\w@%+=:,./\\-]+$/.test(word) ? word : `"${word}"`;
  return /^[\w@%+=:,./-]+$/.test(word) ? word : quote(word);
}
