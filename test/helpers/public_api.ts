/** What src/index.ts exports, with the docstrings that users read. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface PublicName {
  /** As it is exported. */
  name: string;
  kind: 'function' | 'class' | 'const';
  /** The file of its declaration, absolute. */
  file: string;
  /** Its docstring without the asterisks; '' where it has none. */
  docstring: string;
  /** The code of its @example blocks. */
  examples: string[];
}

const entry = fileURLToPath(new URL('../../src/index.ts', import.meta.url));

interface Declaration {
  name: string;
  kind: PublicName['kind'];
  file: string;
  docstring: string;
}

/** The values that a module exports, by the names it gives them. Types are left out. */
function exportsOf(file: string): Map<string, Declaration> {
  const text = readFileSync(file, 'utf8');
  const moduleAt = (path: string) => join(dirname(file), path);
  const found = new Map<string, Declaration>();
  const declarations =
    /(\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)?^export (?:async )?(function|class|const)\*? (\w+)/gm;
  for (const [, comment = '', kind, name = ''] of text.matchAll(declarations)) {
    if (found.has(name)) continue; // the further signatures of a function
    found.set(name, { name, kind: kind as PublicName['kind'], file, docstring: plain(comment) });
  }
  for (const [, path = ''] of text.matchAll(/^export \* from '(\.[^']+)';/gm))
    for (const [name, declaration] of exportsOf(moduleAt(path))) found.set(name, declaration);

  const imported = new Map<string, Declaration>();
  for (const [, names = '', path = ''] of text.matchAll(/^import \{([^}]*)\} from '(\.[^']+)';/gm))
    for (const [name, declaration] of chosen(names, moduleAt(path))) imported.set(name, declaration);
  for (const [, names = '', path] of text.matchAll(/^export \{([^}]*)\}(?: from '(\.[^']+)')?;/gm)) {
    const source = path ? chosen(names, moduleAt(path)) : renamed(names, imported);
    for (const [name, declaration] of source) found.set(name, declaration);
  }
  return found;
}

function chosen(names: string, file: string): Map<string, Declaration> {
  const wanted = names.split(',').some((name) => name.trim() && !name.trim().startsWith('type '));
  return wanted ? renamed(names, exportsOf(file)) : new Map();
}

/** `names` as an import or export lists them: "a, type B, c as d". */
function renamed(names: string, declarations: Map<string, Declaration>): Map<string, Declaration> {
  const result = new Map<string, Declaration>();
  for (const part of names.split(',')) {
    const [, name = '', alias = name] = /^\s*(\w+)(?: as (\w+))?\s*$/.exec(part) ?? [];
    const declaration = declarations.get(name);
    if (declaration) result.set(alias, declaration);
  }
  return result;
}

function plain(comment: string): string {
  return comment
    .replace(/^\s*\/\*\*[ \t]?/, '')
    .replace(/\s*\*\/\s*$/, '')
    .replace(/^[ \t]*\*[ \t]?/gm, '');
}

/** The ts blocks that follow an @example. */
function examplesIn(docstring: string): string[] {
  const [, ...sections] = docstring.split(/^@example\b/m);
  return sections.flatMap((section) => {
    const [example = ''] = section.split(/^@\w/m);
    return [...example.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code = '']) => code);
  });
}

/** Every function, class and constant of the library. */
export function publicNames(): PublicName[] {
  return [...exportsOf(entry)].map(([name, { kind, file, docstring }]) => ({
    name,
    kind,
    file,
    docstring,
    examples: examplesIn(docstring),
  }));
}
