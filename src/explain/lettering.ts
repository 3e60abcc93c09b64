/**
 * A bitmap font of 3 x 5 dots, because a machine may have no font installed. Each digit is one row, from the top; its
 * bits 4, 2 and 1 are the dots from the left.
 */
const glyphs = new Map(
  [
    '0 75557  1 26227  2 71747  3 71717  4 55711  5 74717  6 74757  7 71122  8 75757  9 75717',
    'A 25755  B 65656  C 34443  D 65556  E 74647  F 74644  G 34553  H 55755  I 72227  J 11152',
    'K 55655  L 44447  M 57755  N 65555  O 25552  P 65644  Q 25563  R 65655  S 34216  T 72222',
    'U 55557  V 55552  W 55775  X 55255  Y 55222  Z 71247  - 00700  . 00002  _ 00007  / 11244',
    '% 51245  ( 12221  ) 42224  , 00024  : 02020  + 02720',
  ].flatMap((line) => line.split('  ').map((entry) => entry.split(' ') as [string, string])),
);

/** Dots from one letter to the next. */
const advance = 4;
export const letterHeight = 5;

/** The text in capitals, without accents. */
function plain(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toUpperCase();
}

/** Width of a line of text in dots. */
export function letteringWidth(text: string): number {
  return plain(text).length * advance - 1;
}

/** Whether the font has every letter of a text. */
export function canDraw(text: string): boolean {
  return [...plain(text)].every((letter) => letter === ' ' || glyphs.has(letter));
}

/**
 * The dots of a line of text, relative to its upper left corner. Lower case is drawn as capitals and without accents;
 * letters that the font lacks are left blank.
 */
export function* dotsOf(text: string): Generator<{ x: number; y: number }> {
  for (const [index, letter] of [...plain(text)].entries()) {
    for (const [y, row] of [...(glyphs.get(letter) ?? '')].entries()) {
      for (const x of [0, 1, 2]) if (Number(row) & (4 >> x)) yield { x: index * advance + x, y };
    }
  }
}
