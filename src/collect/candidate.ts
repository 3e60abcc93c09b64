import { createHash } from 'node:crypto';

/** Who made a picture and what may be done with it, as far as the source tells. */
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

/** A picture that may be fetched. */
export interface Candidate {
  url: string;
  /** Of its file, without the extension. */
  name: string;
  credit: Credit;
}

/** The same text for the same resource; what comes after the '#' is not sent. Text that is no URL stays as it is. */
export function canonicalUrl(text: string): string {
  if (!URL.canParse(text)) return text;
  const url = new URL(text);
  url.hash = '';
  return url.href;
}

/** A name for what a URL holds: the same each time, and safe whatever the URL says. */
export function nameOfUrl(url: string): string {
  return createHash('sha256').update(url).digest('hex').slice(0, 16);
}

/** A name from a source's own identifier where that is safe as one, or else from the URL. */
export function nameOfId(source: string, id: unknown, url: string): string {
  return typeof id === 'string' && /^[\w-]{1,64}$/.test(id) ? `${source}-${id}` : nameOfUrl(url);
}
