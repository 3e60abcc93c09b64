import { type Candidate, canonicalUrl, nameOfUrl } from './candidate.ts';

/**
 * Parses a list with one URL per line, without duplicates. Blank lines are skipped, and so are comments: a '#' at the start
 * of a line or after white space. Lines that are not URLs are kept, for the run to report.
 */
export function parseUrlList(text: string): string[] {
  const lines = text.replace(/^\ufeff/, '').split(/\r\n|\n|\r/);
  const entries = lines.map((line) => line.replace(/(^|\s)#.*$/, '').trim()).filter((line) => line !== '');
  return [...new Set(entries.map(canonicalUrl))];
}

/** The candidates of a list. */
export function* candidatesOf(urls: string[]): Generator<Candidate> {
  for (const url of urls) yield { url, name: nameOfUrl(url), credit: {} };
}
