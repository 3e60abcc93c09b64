import { type Candidate, canonicalUrl, nameOfUrl } from './candidate.ts';

/**
 * The URLs of a list, each once: one a line; blank lines are left out, and what comes after a '#' at the start of a
 * line or after white space. Lines that are no URL are kept, for the run to report.
 */
export function parseUrlList(text: string): string[] {
  const lines = text.replace(/^\ufeff/, '').split(/\r\n|\n|\r/);
  const entries = lines.map((line) => line.replace(/(^|\s)#.*$/, '').trim()).filter((line) => line !== '');
  return [...new Set(entries.map(canonicalUrl))];
}

export function* candidatesOf(urls: string[]): Generator<Candidate> {
  for (const url of urls) yield { url, name: nameOfUrl(url), credit: {} };
}
