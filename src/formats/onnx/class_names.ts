const entry = /^\s*(?:(\d+)\s*:\s*)?(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\s*$/;
/** Commas that no quotation marks are around. */
const items = /(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^,'"])+/g;

/**
 * Class names from a model's metadata, in the order of the outputs: Python's or JSON's dictionary by index, as
 * Ultralytics writes it, {0: 'cat', 1: "cow's"}, or a list.
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
