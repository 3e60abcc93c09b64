/** Text that is already HTML; `html` escapes everything else. */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Value = string | number | Markup | undefined | Value[];

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Escapes text for use between tags and in a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (letter) => entities[letter] as string);
}

function toText(value: Value): string {
  if (value === undefined) return '';
  if (Array.isArray(value)) return value.map(toText).join('');
  return value instanceof Markup ? value.text : escapeHtml(String(value));
}

/** html`<td>${name}</td>`: values are escaped, unless `html` made them; lists are joined. */
export function html(strings: TemplateStringsArray, ...values: Value[]): Markup {
  return new Markup(strings.reduce((text, part, index) => text + toText(values[index - 1]) + part));
}
