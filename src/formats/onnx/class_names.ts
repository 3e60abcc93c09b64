const entry = /^\s*(?:(\d+)\s*:\s*)?(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\s*$/;
/** The texts between commas, except commas within quotation marks. */
const items = /(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^,'"])+/g;

/**
 * Reads class names from a model's metadata, in the order of the outputs. The text is a dictionary by index or a list, in
 * Python's or JSON's syntax; Ultralytics writes {0: 'cat', 1: "cow's"}.
 * @returns undefined where the text is something else, or does not name each class once.
 */
export function readClassNames(text = ''): string[] | undefined {
  const inner = /^\s*(?:\{(.*)\}|\[(.*)\])\s*$/s.exec(text.slice(0, 2 ** 20));
  const names = new Map<number, string>();
  for (const [index, item] of ((inner?.[1] ?? inner?.[2])?.match(items) ?? []).entries()) {
    const [, key, single, double] = entry.exec(item.replace(/^(\s*)"(\d+)"(\s*:)/, '$1$2$3')) ?? [];
    const name = single ?? double;
    if (name === undefined) return undefined;
    names.set(Number(key ?? index), name.replace(/\\(.)/g, '$1').trim());
  }
  const all = Array.from({ length: names.size }, (_, index) => names.get(index) ?? '');
  return new Set(all).size === all.length && !all.includes('') && all.length > 0 ? all : undefined;
}
