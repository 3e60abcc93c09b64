import { createHash } from 'node:crypto';

/** The author and licence of a picture, as far as the source gives them. */
export interface Credit {
  /** The page that shows the picture. */
  landingPage?: string;
  title?: string;
  creator?: string;
  creatorUrl?: string;
  /** Such as 'by-sa 2.0' or 'cc0 1.0'. */
  licence?: string;
  licenceUrl?: string;
  /** The line to print beside the picture. */
  attribution?: string;
}

/** A picture to fetch. */
export interface Candidate {
  url: string;
  /** Name of its file without the extension. */
  name: string;
  credit: Credit;
}

/** Normalises a URL and removes its fragment, so that equal resources have equal text. Other text stays as it is. */
export function canonicalUrl(text: string): string {
  if (!URL.canParse(text)) return text;
  const url = new URL(text);
  url.hash = '';
  return url.href;
}

/** A file name for a URL: always the same one, and safe whatever the URL is. */
export function nameOfUrl(url: string): string {
  return createHash('sha256').update(url).digest('hex').slice(0, 16);
}

/** A file name from the identifier of a source where that is safe, otherwise from the URL. */
export function nameOfId(source: string, id: unknown, url: string): string {
  return typeof id === 'string' && /^[\w-]{1,64}$/.test(id) ? `${source}-${id}` : nameOfUrl(url);
}
