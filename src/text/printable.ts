/** Control characters, also those that turn the direction of writing, and what ends a line. */
const unprintable = /[\p{Cc}\p{Cf}\u2028\u2029]|^\s|\s$/u;

/** A name as it can stand in a line of a table: as it is, or as JSON with escapes where it would break the line. */
export function printable(name: string): string {
  if (!unprintable.test(name)) return name;
  return JSON.stringify(name).replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
