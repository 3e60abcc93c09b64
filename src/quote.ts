/** A word between quotation marks, as bash and zsh read it. */
export function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
