/** Control and format characters (such as changes of the writing direction), line breaks, and blanks at the ends. */
const unprintable = /[\p{Cc}\p{Cf}\u2028\u2029]|^\s|\s$/u;

/** A name for a line of output: unchanged, or as JSON with escapes if it would break the line. */
export function printable(name: string): string {
  if (!unprintable.test(name)) return name;
  return JSON.stringify(name).replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
