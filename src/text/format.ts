import { printable } from './printable.ts';

/** A number with four decimals; '-' where there is none. */
export function figure(value: number | null | undefined): string {
  return value === null || value === undefined ? '-' : value.toFixed(4);
}

/** 0.5 -> '50.0 %', with a no-break space. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)}\u00a0%`;
}

/** '1 h 5 min', '2 min 3 s', '12 s'. @param seconds 0 or more. */
export function duration(seconds: number): string {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${Math.floor(seconds % 60)} s` : `${seconds.toFixed(0)} s`;
}

/** '1 picture', '2 pictures', '2 classes'. */
export function counted(count: number, singular: string, plural = `${singular}s`): string {
  return `${count} ${count === 1 ? singular : plural}`;
}

/** Width of help, tables and lines of output, in columns. */
export const lineWidth = 80;

/**
 * Breaks a text between words into lines of at most `width`, unless a word is longer.
 * @param options.indent the start of every line but the first.
 */
export function wrap(text: string, { width = lineWidth, indent = '' } = {}): string {
  const [first = '', ...words] = text.split(' ');
  const lines = [first];
  for (const word of words) {
    const longer = `${lines.at(-1)} ${word}`;
    if (longer.length > width) lines.push(indent + word);
    else lines[lines.length - 1] = longer;
  }
  return lines.map((line) => line.trimEnd()).join('\n');
}

/** '2 classes: cat, dog', wrapped. */
export function describeClasses(classes: string[]): string {
  const names = classes.map(printable).join(', ');
  return wrap(`${counted(classes.length, 'class', 'classes')}: ${names}`, { indent: '  ' });
}

/** The value of a setting as text. */
export function settingText(value: unknown): string {
  if (value === undefined) return '-';
  if (Array.isArray(value)) return value.map(settingText).join(', ');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** '2026-03-01 09:30', in the local time zone. */
export function localTime(iso: string): string {
  const time = new Date(iso);
  const two = (value: number) => String(value).padStart(2, '0');
  const day = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join('-');
  return `${day} ${two(time.getHours())}:${two(time.getMinutes())}`;
}

/** One line of CSV (RFC 4180), without a line end. */
export function csvLine(cells: string[]): string {
  return cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',');
}
